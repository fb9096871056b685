//! The text of a map.

/// Why a case may have no test: the server has nothing of the kind, or the tool that would test it cannot be had.
const REASONS: &[&str] =
    &["PostgreSQL", "S3", "several nodes", "server-side OIDC", "roles", "tool not in any registry"];

/// The cases of one contract, by number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Map {
    /// The contract and its section.
    pub(crate) title: String,
    pub(crate) cases: Vec<Case>,
}

/// One numbered case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) number: usize,
    pub(crate) covered: Covered,
}

/// Where a case is tested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Covered {
    /// By these tests, each `file::test`.
    By(Vec<String>),
    /// Nowhere, and why not.
    Nowhere(String),
}

impl Map {
    /// Reads a map; the error lists every fault of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut lines = text.lines().map(str::trim);
        let (title, count) = lines
            .next()
            .and_then(header)
            .ok_or_else(|| vec!["the first line must be `# <contract file> §<n>: <count> cases`".to_owned()])?;
        let mut faults = Vec::new();
        let mut cases = Vec::new();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match case(line) {
                Ok(case) => cases.push(case),
                Err(fault) => faults.push(format!("`{line}`: {fault}")),
            }
        }
        cases.sort_by_key(|case| case.number);
        faults.extend(faults_of_numbers(&cases, count));
        if faults.is_empty() { Ok(Self { title, cases }) } else { Err(faults) }
    }
}

/// The title and the count of `# management-api.md §16: 45 cases`.
fn header(line: &str) -> Option<(String, usize)> {
    let (title, count) = line.strip_prefix('#')?.trim().split_once(": ")?;
    let (file, section) = title.split_once(" §")?;
    let count = count.strip_suffix(" cases")?.parse().ok().filter(|count| *count > 0)?;
    (file.ends_with(".md") && section.parse::<u32>().is_ok()).then(|| (title.to_owned(), count))
}

fn case(line: &str) -> Result<Case, String> {
    let (number, rest) = line.split_once(char::is_whitespace).ok_or("a number and its tests are expected")?;
    let number = number.parse().map_err(|_| "a case begins with its number".to_owned())?;
    let covered = match rest.trim().strip_prefix("none:") {
        Some(reason) => Covered::Nowhere(accepted(reason.trim())?),
        None => Covered::By(rest.split_whitespace().map(str::to_owned).collect()),
    };
    Ok(Case { number, covered })
}

fn accepted(reason: &str) -> Result<String, String> {
    if REASONS.iter().any(|known| reason.starts_with(known)) {
        return Ok(reason.to_owned());
    }
    Err(format!("a reason begins with one of: {}", REASONS.join(", ")))
}

/// Numbers that are missing, twice or too large.
fn faults_of_numbers(cases: &[Case], count: usize) -> Vec<String> {
    let times = |number| cases.iter().filter(|case| case.number == number).count();
    let wrong = (1..=count).filter_map(|number| match times(number) {
        0 => Some(format!("case {number} is missing")),
        1 => None,
        times => Some(format!("case {number} is there {times} times")),
    });
    let beyond = cases.iter().filter(|case| case.number == 0 || case.number > count);
    wrong.chain(beyond.map(|case| format!("there are {count} cases and none has number {}", case.number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Map::parse(text).unwrap_err().join("; ")
    }

    #[test]
    fn cases_may_stand_in_any_order_between_comments() {
        let map = Map::parse("# a.md §7: 2 cases\n\n# later\n2 none: S3 is not there\n 1 x.rs::a  y.py::b\n").unwrap();
        assert_eq!(map.title, "a.md §7");
        let tests = vec!["x.rs::a".to_owned(), "y.py::b".to_owned()];
        assert_eq!(
            map.cases,
            [
                Case { number: 1, covered: Covered::By(tests) },
                Case { number: 2, covered: Covered::Nowhere("S3 is not there".to_owned()) }
            ]
        );
    }

    #[test]
    fn a_count_must_lead() {
        for text in [
            "",
            "1 x.rs::a",
            "# a.md §7",
            "# a.md §7: 0 cases",
            "# a.md: 1 cases",
            "# a §1: 1 cases",
            "a.md §7: 1 cases",
        ] {
            assert!(fault(text).contains("first line"), "{text:?}");
        }
    }

    #[test]
    fn every_number_is_there_once() {
        assert_eq!(fault("# a.md §7: 3 cases\n1 x.rs::a\n3 x.rs::a\n"), "case 2 is missing");
        assert_eq!(fault("# a.md §7: 1 cases\n1 x.rs::a\n1 x.rs::b\n"), "case 1 is there 2 times");
        assert!(fault("# a.md §7: 1 cases\n1 x.rs::a\n2 x.rs::b\n").contains("number 2"));
        assert!(fault("# a.md §7: 1 cases\n0 x.rs::a\n1 x.rs::b\n").contains("number 0"));
    }

    #[test]
    fn a_case_without_a_test_needs_an_accepted_reason() {
        for line in ["1 none: no time", "1 none:", "1 none: later, with PostgreSQL"] {
            assert!(fault(&format!("# a.md §7: 1 cases\n{line}\n")).contains("reason"), "{line}");
        }
        assert!(Map::parse("# a.md §7: 1 cases\n1 none: several nodes are not built\n").is_ok());
    }

    #[test]
    fn lines_of_another_form_are_quoted() {
        for line in ["x.rs::a", "one x.rs::a", "1"] {
            assert!(fault(&format!("# a.md §7: 1 cases\n{line}\n")).contains(&format!("`{line}`")), "{line}");
        }
    }
}
