//! Every function that DataFusion offers, and what is done with it. A test compares this list with what DataFusion
//! registers, so that an upgrade cannot add a function unseen.

use super::bounds::Bound;

/// What is done with a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Offered as it is.
    Plain,
    /// Offered, and measured before it computes.
    Capped(Bound),
    /// Not offered.
    Refused,
}

/// Functions that are treated alike for one reason.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) reason: &'static str,
    pub(super) treatment: Treatment,
    pub(super) names: &'static [&'static str],
}

const fn family(reason: &'static str, treatment: Treatment, names: &'static [&'static str]) -> Family {
    Family { reason, treatment, names }
}

pub(super) const SCALAR: &[Family] = &[
    family(
        "arithmetic: the result has the size of a number",
        Treatment::Plain,
        &[
            "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "cot",
            "degrees", "exp", "factorial", "floor", "gcd", "isnan", "iszero", "lcm", "ln", "log", "log10", "log2",
            "nanvl", "pi", "power", "radians", "random", "round", "signum", "sin", "sinh", "sqrt", "tan", "tanh",
            "trunc",
        ],
    ),
    family(
        "dates and times: the result has the size of a number, parsing is linear",
        Treatment::Plain,
        &[
            "current_date", "current_time", "date_bin", "date_part", "date_trunc", "from_unixtime", "make_date",
            "make_time", "now", "to_date", "to_local_time", "to_time", "to_timestamp", "to_timestamp_micros",
            "to_timestamp_millis", "to_timestamp_nanos", "to_timestamp_seconds", "to_unixtime",
        ],
    ),
    family(
        "text measured or made from a number: the result is a few bytes",
        Treatment::Plain,
        &[
            "ascii", "bit_length", "character_length", "chr", "contains", "ends_with", "find_in_set", "octet_length",
            "starts_with", "strpos", "to_hex", "uuid",
        ],
    ),
    family(
        "choices and wrappers: each result is one of the arguments, or all of them side by side",
        Treatment::Plain,
        &[
            "coalesce", "get_field", "greatest", "least", "named_struct", "nullif", "nvl", "nvl2", "struct",
            "arrow_typeof",
        ],
    ),
    family(
        "type changes: fixed-size types are checked in the plan",
        Treatment::Plain,
        &["arrow_cast", "arrow_try_cast"],
    ),
    family(
        "lists measured, or one element taken: the result is no larger than the list",
        Treatment::Plain,
        &[
            "array_any_value", "array_avg", "array_dims", "array_distance", "array_element", "array_has",
            "array_length", "array_max", "array_min", "array_ndims", "array_position", "array_product", "array_sum",
            "cardinality", "cosine_distance", "empty", "inner_product",
        ],
    ),
    family(
        "text copied in parts or changed letter by letter: shared values can be copied once a row",
        Treatment::Capped(Bound::Copies),
        &[
            "btrim", "concat", "decode", "encode", "initcap", "left", "lower", "ltrim", "overlay", "reverse", "right",
            "rtrim", "split_part", "substr", "substr_index", "translate", "upper",
        ],
    ),
    family(
        "lists copied or joined: nested calls double them",
        Treatment::Capped(Bound::Copies),
        &[
            "array_add", "array_append", "array_compact", "array_concat", "array_distinct", "array_except",
            "array_intersect", "array_normalize", "array_pop_back", "array_pop_front", "array_positions",
            "array_prepend", "array_remove", "array_remove_all", "array_remove_n", "array_reverse", "array_scale",
            "array_slice", "array_sort", "array_subtract", "array_union", "flatten", "make_array", "map",
            "map_entries", "map_extract", "map_keys", "map_values",
        ],
    ),
    family("`repeat('x', 2000000000)`", Treatment::Capped(Bound::Repeat), &["repeat"]),
    family("padding to any width", Treatment::Capped(Bound::Pad), &["lpad", "rpad"]),
    family("each match grows", Treatment::Capped(Bound::Replace), &["replace"]),
    family(
        "each match grows and can repeat itself; the pattern must be a constant of limited size",
        Treatment::Capped(Bound::RegexReplace),
        &["regexp_replace"],
    ),
    family(
        "matching takes time by pattern size; the pattern must be a constant of limited size",
        Treatment::Capped(Bound::Copies),
        &["regexp_count", "regexp_instr", "regexp_like", "regexp_match"],
    ),
    family("a separator between any two", Treatment::Capped(Bound::Join), &["concat_ws"]),
    family("a format can be longer than any date", Treatment::Capped(Bound::Format), &["to_char"]),
    family("lists of any length from a number", Treatment::Capped(Bound::RepeatElement), &["array_repeat"]),
    family("lists of any length from two numbers", Treatment::Capped(Bound::Series), &["generate_series", "range"]),
    family(
        "each element grows",
        Treatment::Capped(Bound::ReplaceElements),
        &["array_replace", "array_replace_all", "array_replace_n"],
    ),
    family("a separator after each element", Treatment::Capped(Bound::ElementsAsText), &["array_to_string"]),
    family("an element per character", Treatment::Capped(Bound::Split), &["string_to_array"]),
    family(
        "time grows with the product of both arguments",
        Treatment::Capped(Bound::Product),
        &["array_has_all", "array_has_any", "levenshtein"],
    ),
    family(
        "it makes lists of any length; use `array_repeat` or `array_concat`",
        Treatment::Refused,
        &["array_resize", "arrays_zip"],
    ),
    family(
        "it is about the query engine's own types and files",
        Treatment::Refused,
        &[
            "arrow_field", "arrow_metadata", "cast_to_type", "file_row_index", "input_file_name", "try_cast_to_type",
            "union_extract", "union_tag", "version", "with_metadata",
        ],
    ),
];

pub(super) const AGGREGATE: &[Family] = &[
    family(
        "a fixed state for each group, which the memory pool counts",
        Treatment::Plain,
        &[
            "any_value", "approx_distinct", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr",
            "count", "covar_pop", "covar_samp", "first_value", "grouping", "last_value", "max", "min", "regr_avgx",
            "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
            "stddev", "stddev_pop", "sum", "var", "var_pop",
        ],
    ),
    family(
        "a state that grows with the rows, which the memory pool counts; not over windows, where each row would hold one",
        Treatment::Plain,
        &["array_agg", "median", "nth_value", "percentile_cont", "string_agg"],
    ),
    family(
        "a digest whose size is an argument, which the plan check limits",
        Treatment::Plain,
        &["approx_median", "approx_percentile_cont", "approx_percentile_cont_with_weight"],
    ),
];

pub(super) const WINDOW: &[Family] = &[family(
    "one value for each row; the rows of a partition are counted against the memory of the query",
    Treatment::Plain,
    &[
        "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank",
        "rank", "row_number",
    ],
)];

pub(super) const TABLE: &[Family] =
    &[family("rows without end", Treatment::Capped(Bound::Series), &["generate_series", "range"])];

/// Functions with a lambda as argument run it for every element; none is offered.
pub(super) const HIGHER_ORDER: &[Family] = &[family(
    "functions with a lambda are not offered",
    Treatment::Refused,
    &["array_any_match", "array_filter", "array_first", "array_transform"],
)];

/// How a function is treated; nothing if it is unknown.
pub(super) fn treatment(families: &[Family], name: &str) -> Option<Treatment> {
    families.iter().find(|family| family.names.contains(&name)).map(|family| family.treatment)
}
