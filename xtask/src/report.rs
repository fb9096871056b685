//! Times the steps of a run and tells at the end how each went.

use std::time::{Duration, Instant};

/// What has been run so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Report {
    /// Runs one step and notes its outcome.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<()>) {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let result = work();
        if let Err(error) = &result {
            eprintln!("=== {name} failed: {error:#}");
        }
        self.steps.push(Step { name, took: start.elapsed(), passed: result.is_ok() });
    }

    /// How many steps failed.
    pub(crate) fn failed(&self) -> usize {
        self.steps.iter().filter(|step| !step.passed).count()
    }

    /// Prints the table of steps and, as the last line, the totals.
    pub(crate) fn print(&self) {
        println!("\n{:<20} {:>8}  outcome", "step", "seconds");
        for step in &self.steps {
            let outcome = if step.passed { "passed" } else { "FAILED" };
            println!("{:<20} {:>8.1}  {outcome}", step.name, step.took.as_secs_f64());
        }
        let failed = self.failed();
        println!("{} passed, {failed} failed", self.steps.len() - failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_counted_and_the_next_one_still_runs() {
        let mut report = Report::default();
        let mut second_ran = false;
        report.step("first", || anyhow::bail!("broken"));
        report.step("second", || {
            second_ran = true;
            Ok(())
        });
        assert!(second_ran);
        assert_eq!(report.failed(), 1);
        assert_eq!(report.steps.len(), 2);
    }
}
