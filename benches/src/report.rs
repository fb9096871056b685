//! Figures, their targets, and the table of both.

/// What was measured, and what it should be.
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) work: &'static str,
    /// The measured median.
    pub(crate) value: f64,
    /// The target.
    pub(crate) target: Target,
    /// Unit of value and target.
    pub(crate) unit: &'static str,
}

/// On which side of a bound a figure should be.
pub(crate) enum Target {
    /// Smaller is better.
    AtMost(f64),
    /// Greater is better.
    AtLeast(f64),
}

impl Figure {
    fn is_met(&self) -> bool {
        match self.target {
            Target::AtMost(bound) => self.value <= bound,
            Target::AtLeast(bound) => self.value >= bound,
        }
    }

    fn cells(&self) -> [String; 4] {
        let (sign, bound) = match self.target {
            Target::AtMost(bound) => ('≤', bound),
            Target::AtLeast(bound) => ('≥', bound),
        };
        [
            self.work.to_owned(),
            format!("{} {}", number(self.value), self.unit),
            format!("{sign} {} {}", number(bound), self.unit),
            if self.is_met() { "yes" } else { "NO" }.to_owned(),
        ]
    }
}

/// Three significant digits, or all digits before the point, in groups of three.
pub(crate) fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        let digits = if value.abs() < 10.0 { 2 } else { 1 };
        return format!("{value:.digits$}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A Markdown table, aligned for reading as it is.
pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["work", "median", "target", "met"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(figures.iter().map(Figure::cells)).collect();
    let mut widths = [0; 4];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("| {cell:width$} "));
        }
        text.push_str("|\n");
        if index == 0 {
            text.push_str(&widths.map(|width| format!("|-{}-", "-".repeat(width))).concat());
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [0.4567, 12.34, 120.4, 2160.0, 1_234_567.0].map(number),
            ["0.46", "12.3", "120", "2 160", "1 234 567"]
        );
    }

    #[test]
    fn the_table_says_what_is_met() {
        let figures = [
            Figure { work: "start", value: 50.0, target: Target::AtMost(50.0), unit: "ms" },
            Figure { work: "rows", value: 149_999.0, target: Target::AtLeast(150_000.0), unit: "rows/s" },
        ];
        assert_eq!(
            table(&figures),
            "| work  | median         | target           | met |\n\
             |-------|----------------|------------------|-----|\n\
             | start | 50.0 ms        | ≤ 50.0 ms        | yes |\n\
             | rows  | 149 999 rows/s | ≥ 150 000 rows/s | NO  |\n"
        );
    }
}
