//! A histogram's buckets as a few block characters.

use crate::distribution::{Bucket, Distribution};
use crate::format;

const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the buckets between the lowest and the highest measurement, each as high as it is full compared with the
/// fullest, with the bounds to the left and right: `5 ▂█▅ ▁ 250`. `None` if nothing was measured, or the sender keeps
/// no buckets.
///
/// Of more than `width` buckets, neighbours are drawn as one.
pub fn plot(distribution: &Distribution, width: usize) -> Option<String> {
    let buckets = distribution.buckets();
    let first = buckets.iter().position(|bucket| bucket.count > 0)?;
    let last = buckets.iter().rposition(|bucket| bucket.count > 0)?;
    let filled = &buckets[first..=last];
    let counts: Vec<u64> = filled.chunks(filled.len().div_ceil(width.max(1))).map(sum).collect();
    let fullest = counts.iter().copied().max().unwrap_or(0);
    let blocks: String = counts.iter().map(|count| block(*count, fullest)).collect();
    // Of an endless bucket, what was measured is told, or else its other bound.
    let (lowest, highest) = (filled[0], filled[filled.len() - 1]);
    let lower = Some(lowest.lower).filter(|bound| bound.is_finite()).or(distribution.min);
    let upper = Some(highest.upper).filter(|bound| bound.is_finite()).or(distribution.max);
    let lower = lower.map_or_else(|| format!("≤{}", format::number(lowest.upper)), format::number);
    let upper = upper.map_or_else(|| format!(">{}", format::number(highest.lower)), format::number);
    Some(format!("{lower} {blocks} {upper}"))
}

fn sum(buckets: &[Bucket]) -> u64 {
    buckets.iter().fold(0, |sum, bucket| sum.saturating_add(bucket.count))
}

/// An empty bucket is blank; the least full one is not.
fn block(count: u64, fullest: u64) -> char {
    if count == 0 {
        return ' ';
    }
    let eighths = (count as f64 / fullest as f64 * 8.0).ceil() as usize;
    EIGHTHS[eighths.clamp(1, 8) - 1]
}
