//! Medians, and ratios of what happened in the same round.

/// The rounds that succeeded.
pub fn present(samples: &[Option<f64>]) -> Vec<f64> {
    samples.iter().flatten().copied().collect()
}

/// The value below which `part` of the samples lie; none of none.
pub fn quantile(samples: &[f64], part: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * part).round() as usize).copied()
}

/// The median over the rounds of this by that. Unlike the ratio of two medians
/// it compares what ran next to each other, on an equally busy machine.
pub fn median_ratio(this: &[Option<f64>], that: &[Option<f64>]) -> Option<f64> {
    let ratios: Vec<f64> =
        this.iter().zip(that).filter_map(|(this, that)| Some((*this)? / (*that)?)).collect();
    quantile(&ratios, 0.5)
}

/// The median over the rounds of how much longer this took than that.
pub fn median_difference(this: &[Option<f64>], that: &[Option<f64>]) -> Option<f64> {
    let differences: Vec<f64> =
        this.iter().zip(that).filter_map(|(this, that)| Some((*this)? - (*that)?)).collect();
    quantile(&differences, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&samples, 0.0), Some(1.0));
        assert_eq!(quantile(&samples, 0.5), Some(3.0));
        assert_eq!(quantile(&samples, 1.0), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_ratio_needs_both_of_a_round() {
        let this = [Some(2.0), None, Some(30.0), Some(4.0)];
        let that = [Some(1.0), Some(1.0), Some(10.0), None];
        assert_eq!(median_ratio(&this, &that), Some(3.0));
        assert_eq!(median_difference(&this, &that), Some(20.0));
        assert_eq!(median_ratio(&[None], &[Some(1.0)]), None);
    }
}
