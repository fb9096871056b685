//! Medians and percentiles.

/// Measurements of one thing, at least one of them.
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> anyhow::Result<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        anyhow::ensure!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Ok(Self(values))
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The smallest value that is not below `percent` of all values.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn least(&self) -> f64 {
        self.percentile(0)
    }

    pub(crate) fn greatest(&self) -> f64 {
        self.percentile(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let sample = Sample::new((1..=200).rev().map(f64::from)).unwrap();
        assert_eq!(
            [sample.least(), sample.median(), sample.percentile(99), sample.greatest()],
            [1.0, 100.0, 198.0, 200.0]
        );
    }

    #[test]
    fn one_value_is_every_percentile() {
        let sample = Sample::new([7.0]).unwrap();
        assert_eq!([sample.least(), sample.median(), sample.percentile(99)], [7.0; 3]);
    }

    #[test]
    fn no_value_is_refused() {
        assert!(Sample::new([]).is_err());
    }
}
