//! Functions on times that DataFusion does not have.

pub(crate) mod bins;
mod tz;
mod wallclock;

use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

pub(crate) use wallclock::{bins_of, coerce_bin_types, date_bin_wallclock};

/// The functions, to be offered as they are: each result has the size of a number.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::new(ScalarUDF::new_from_impl(tz::Tz::new())), date_bin_wallclock()]
}
