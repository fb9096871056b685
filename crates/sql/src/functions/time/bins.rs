//! Bins of time, also by the clock on the wall of a time zone.
//!
//! A bin begins at every instant at which the local clock shows a multiple of the stride from the origin, and where the
//! local clock is put forward over such a time. When the clock is put back, such a time comes twice and begins two bins.

use chrono::offset::LocalResult;
use chrono::{DateTime, Datelike, Months, NaiveDateTime, Offset, TimeZone};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::{exec_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// No clock is put forward by more than this.
const LONGEST_JUMP: i64 = 26 * HOUR;

/// The length of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stride {
    /// Calendar months.
    Months(u32),
    /// Nanoseconds; a day has 24 hours by the clock.
    Nanoseconds(i64),
}

impl Stride {
    /// The length that an interval stands for: more than nothing, and not months and days together.
    pub(crate) fn new(interval: IntervalMonthDayNano) -> Result<Self> {
        let IntervalMonthDayNano { months, days, nanoseconds } = interval;
        let length = i64::from(days).checked_mul(DAY).and_then(|length| length.checked_add(nanoseconds));
        match (u32::try_from(months), length) {
            (Ok(months), Some(0)) if months > 0 => Ok(Self::Months(months)),
            (Ok(0), Some(length)) if length > 0 => Ok(Self::Nanoseconds(length)),
            (Ok(1..), Some(1..)) => plan_err!("a bin cannot have months together with days or hours"),
            _ => plan_err!("a bin must be longer than nothing and shorter than 292 years"),
        }
    }
}

/// Where bins begin. Times are nanoseconds since the epoch, local ones by the local clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bins {
    pub(crate) stride: Stride,
    /// A local time at which a bin begins.
    pub(crate) origin: i64,
    /// Whose clock counts; UTC if there is none.
    pub(crate) zone: Option<Tz>,
}

/// Bins that follow one another at the same distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    first: i64,
    stride: i64,
    pub(crate) count: u64,
}

impl Run {
    /// When its bins begin, in order.
    pub(crate) fn starts(self) -> impl Iterator<Item = i64> + Send {
        let next = move |start: &i64| start.checked_add(self.stride);
        std::iter::successors(Some(self.first), next).zip(0..self.count).map(|(start, _)| start)
    }
}

fn out_of_range() -> DataFusionError {
    exec_datafusion_err!("a bin begins or ends outside of the years 1677 to 2262; use shorter bins or other times")
}

fn narrow(time: i128) -> Result<i64> {
    i64::try_from(time).map_err(|_| out_of_range())
}

fn naive(time: i64) -> NaiveDateTime {
    DateTime::from_timestamp_nanos(time).naive_utc()
}

fn months_of(time: NaiveDateTime) -> i64 {
    i64::from(time.year()) * 12 + i64::from(time.month0())
}

impl Bins {
    /// The beginning of the bin that `time` is in.
    ///
    /// # Errors
    /// If that is outside of what a timestamp can hold.
    pub(crate) fn start(&self, time: i64) -> Result<i64> {
        let local = self.local_start(self.local(time)?)?;
        let Some(zone) = self.zone else { return Ok(local) };
        match zone.offset_from_local_datetime(&naive(local)) {
            LocalResult::Single(offset) => instant(local, &offset),
            LocalResult::Ambiguous(one, other) => {
                let (one, other) = (instant(local, &one)?, instant(local, &other)?);
                let (early, late) = (one.min(other), one.max(other));
                Ok(if late <= time { late } else { early })
            }
            LocalResult::None => self.end_of_jump(local),
        }
    }

    /// All bins from the one that `from` is in to the one that `to` is in.
    ///
    /// # Errors
    /// For bins of months, and if one begins outside of what a timestamp can hold.
    pub(crate) fn between(&self, from: i64, to: i64) -> Result<Vec<Run>> {
        let Stride::Nanoseconds(stride) = self.stride else {
            return plan_err!("gap filling does not support month intervals");
        };
        let mut start = self.start(from)?;
        let mut runs = Vec::new();
        let local = self.local(start)?;
        if self.local_start(local)? != local {
            runs.push(Run { first: start, stride, count: 1 });
        }
        loop {
            let end = self.end_of_offset(start, to)?;
            runs.extend(self.run(start, end, stride)?);
            if end > to {
                return Ok(runs);
            }
            let (before, after) = (self.local(end - 1)?, self.local(end)?);
            let begun = self.local_start(after)?;
            if begun > before && begun < after {
                runs.push(Run { first: end, stride, count: 1 });
            }
            start = end;
        }
    }

    /// The bins that begin in `start..end`, between which the local clock is not changed.
    fn run(&self, start: i64, end: i64, stride: i64) -> Result<Option<Run>> {
        let local = self.local(start)?;
        let since = i128::from(local) - i128::from(self.local_start(local)?);
        let wait = if since == 0 { 0 } else { i128::from(stride) - since };
        let first = i128::from(start) + wait;
        let length = i128::from(end) - first;
        if length <= 0 {
            return Ok(None);
        }
        let count = u64::try_from((length - 1) / i128::from(stride) + 1).map_err(|_| out_of_range())?;
        Ok(Some(Run { first: narrow(first)?, stride, count }))
    }

    /// When the local clock is changed for the first time after `start`; right after `to` if it is not until then.
    fn end_of_offset(&self, start: i64, to: i64) -> Result<i64> {
        let beyond = to.checked_add(1).ok_or_else(out_of_range)?;
        if self.zone.is_none() {
            return Ok(beyond);
        }
        let offset = self.offset(start);
        let mut same = start;
        while same < to {
            let next = same.saturating_add(DAY).min(to);
            if self.offset(next) != offset {
                return Ok(first_after(same, next, |time| self.offset(time) != offset));
            }
            same = next;
        }
        Ok(beyond)
    }

    /// When the clock, put forward over the time `local`, first shows a later one.
    fn end_of_jump(&self, local: i64) -> Result<i64> {
        let (low, high) = (local.checked_sub(LONGEST_JUMP), local.checked_add(LONGEST_JUMP));
        let (low, high) = low.zip(high).ok_or_else(out_of_range)?;
        Ok(first_after(low, high, |time| self.local(time).is_ok_and(|shown| shown >= local)))
    }

    /// Nanoseconds by which the local clock is ahead of UTC.
    fn offset(&self, time: i64) -> i64 {
        self.zone
            .map_or(0, |zone| i64::from(zone.offset_from_utc_datetime(&naive(time)).fix().local_minus_utc()) * SECOND)
    }

    fn local(&self, time: i64) -> Result<i64> {
        time.checked_add(self.offset(time)).ok_or_else(out_of_range)
    }

    /// The same as [`Self::start`], on a clock that is never changed.
    fn local_start(&self, local: i64) -> Result<i64> {
        match self.stride {
            Stride::Nanoseconds(stride) => {
                let since = (i128::from(local) - i128::from(self.origin)).rem_euclid(i128::from(stride));
                narrow(i128::from(local) - since)
            }
            Stride::Months(stride) => {
                let bins = (months_of(naive(local)) - months_of(naive(self.origin))).div_euclid(i64::from(stride));
                let start = self.month_start(bins, stride)?;
                if start <= local { Ok(start) } else { self.month_start(bins - 1, stride) }
            }
        }
    }

    /// The origin moved by a number of bins, whose end is the end of the month if it has too few days.
    fn month_start(&self, bins: i64, stride: u32) -> Result<i64> {
        let months = bins.checked_mul(i64::from(stride)).ok_or_else(out_of_range)?;
        let distance = Months::new(u32::try_from(months.unsigned_abs()).map_err(|_| out_of_range())?);
        let origin = naive(self.origin);
        let moved = if months < 0 { origin.checked_sub_months(distance) } else { origin.checked_add_months(distance) };
        moved.and_then(|moved| moved.and_utc().timestamp_nanos_opt()).ok_or_else(out_of_range)
    }
}

fn instant(local: i64, offset: &impl Offset) -> Result<i64> {
    local.checked_sub(i64::from(offset.fix().local_minus_utc()) * SECOND).ok_or_else(out_of_range)
}

/// The first time after `low` for which `is_later` holds, which it does for `high`.
fn first_after(mut low: i64, mut high: i64, is_later: impl Fn(i64) -> bool) -> i64 {
    while high.saturating_sub(low) > 1 {
        let middle = low + (high - low) / 2;
        if is_later(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
#[path = "bins_tests.rs"]
mod tests;
