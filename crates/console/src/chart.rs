//! Line charts as SVG, drawn on the server.

use crate::history::MOST;
use crate::number::grouped;

const WIDTH: usize = 480;
const HEIGHT: u64 = 96;

/// A chart of what happened over the last hour, now at the right edge.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    /// The name of its values in the live numbers.
    pub(crate) name: &'static str,
    /// The sum of all values.
    total: u64,
    /// The largest value.
    peak: u64,
    /// The points of the curve.
    pub(crate) curve: String,
    /// The points of the area below it.
    pub(crate) area: String,
}

impl Chart {
    /// Draws the values, of which there are as many as samples at most.
    pub(crate) fn new(title: &'static str, name: &'static str, values: &[u64]) -> Self {
        let peak = values.iter().copied().max().unwrap_or_default();
        // From the right: a server that has just started has a short curve, not a stretched one.
        let first = (MOST + 1).saturating_sub(values.len());
        let point = |(step, value): (usize, &u64)| {
            let x = (first + step) * WIDTH / MOST;
            let height = if peak == 0 { 0 } else { u128::from(*value) * u128::from(HEIGHT) / u128::from(peak) };
            format!("{x},{}", u128::from(HEIGHT) - height)
        };
        let curve = values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ");
        let left = first * WIDTH / MOST;
        let area = format!("{left},{HEIGHT} {curve} {WIDTH},{HEIGHT}");
        let total = values.iter().copied().fold(0, u64::saturating_add);
        Self { title, name, total, peak, curve, area }
    }

    /// The sum of all values, as people read it.
    pub(crate) fn total(&self) -> String {
        grouped(self.total)
    }

    /// The largest value, as people read it.
    pub(crate) fn peak(&self) -> String {
        grouped(self.peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_drawn_from_the_right_and_fit() {
        let chart = Chart::new("Writes", "writes", &[0, 5, 10]);
        assert_eq!((chart.total, chart.peak), (15, 10));
        assert_eq!(chart.curve, "476,96 478,48 480,0");
        assert_eq!(chart.area, "476,96 476,96 478,48 480,0 480,96");
        assert_eq!(Chart::new("Writes", "writes", &[0, 0]).curve, "478,96 480,96");
        assert_eq!(Chart::new("Writes", "writes", &[]).curve, "");
        assert!(Chart::new("Writes", "writes", &vec![u64::MAX / 1000; MOST + 1]).curve.starts_with("0,0 2,0"));
    }
}
