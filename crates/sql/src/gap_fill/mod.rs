//! Rows for times at which nothing was measured: `date_bin_gapfill`, `date_bin_wallclock_gapfill`, `locf`,
//! `interpolate`.
//!
//! These functions never compute anything. A rule replaces a GROUP BY over one of the first two by the plain function
//! and puts a [`node::GapFill`] above, which knows all bins between the bounds of the time range.

mod bounds;
mod exec;
mod functions;
mod node;
mod planner;
mod rule;
mod series;

pub(crate) use exec::GapFillExec;
pub(crate) use functions::all;
pub(crate) use node::is_gap_fill;
pub(crate) use planner::physical_planner;
pub(crate) use rule::GapFillRule;
