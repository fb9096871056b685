//! Log lines on standard error, and what must never be in them.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;
use std::str::FromStr;

use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The variable that holds the filter, such as `debug` or `info,tidegate_api=debug`.
pub(crate) const FILTER_VARIABLE: &str = "TIDEGATE_LOG";
const DEFAULT_FILTER: &str = "info";

/// Libraries write headers, bodies and SQL to their more detailed levels: tokens and query strings among them. So
/// whatever the filter says, only this program's own crates, which know what a secret is, may say more than this.
const MOST_FROM_LIBRARIES: LevelFilter = LevelFilter::WARN;
const OWN_CRATES: &str = "tidegate";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(text, false).map_err(|_: String| format!("{text:?} is neither text nor json"))
    }
}

/// `TIDEGATE_LOG` does not hold a filter.
#[derive(Debug, thiserror::Error)]
#[error("{FILTER_VARIABLE} is not a log filter, such as debug or info,tidegate_api=debug: {0}")]
pub(crate) struct FilterError(String);

/// Starts logging to standard error. `filter` is the value of [`FILTER_VARIABLE`].
pub(crate) fn start(format: LogFormat, filter: Option<OsString>) -> Result<(), FilterError> {
    let filter = parse_filter(filter)?;
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = tracing_subscriber::registry().with(layer(format, filter, colours, std::io::stderr));
    // Fails only if logging has been started before, and then it works as well.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

fn parse_filter(text: Option<OsString>) -> Result<EnvFilter, FilterError> {
    let text = match text.filter(|text| !text.is_empty()) {
        Some(text) => text.into_string().map_err(|_| FilterError("it is not UTF-8 text".to_owned()))?,
        None => DEFAULT_FILTER.to_owned(),
    };
    EnvFilter::builder().with_regex(false).parse(text).map_err(|error| FilterError(error.to_string()))
}

fn layer<S, W>(format: LogFormat, filter: EnvFilter, colours: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A closed standard error must not become a panic.
    let lines = tracing_subscriber::fmt::layer().log_internal_errors(false).with_ansi(colours).with_writer(writer);
    let filter = filter.and(filter_fn(may_be_logged));
    match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    }
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let module = metadata.target().split("::").next().unwrap_or_default();
    let own = module.strip_prefix(OWN_CRATES).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    own || *metadata.level() <= MOST_FROM_LIBRARIES
}

/// Replaces the message of panics by `report`, which gets the place and never the payload: that can hold anything.
pub(crate) fn report_panics(report: impl Fn(&str) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |info| report(&place(info))));
}

fn place(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, write: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = parse_filter(Some(filter.into())).unwrap();
        let subscriber = tracing_subscriber::registry().with(layer(format, filter, false, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, write);
        lines.text()
    }

    #[test]
    fn libraries_cannot_be_made_talkative() {
        for filter in ["trace", "h2=trace,hyper=trace,sqlx=trace", "tidegate=trace,h2::codec=trace"] {
            let text = logged(LogFormat::Text, filter, || {
                tracing::trace!(target: "h2::codec::framed_read", "authorization: Bearer secret");
                tracing::debug!(target: "hyper::proto", "authorization: Bearer secret");
                tracing::info!(target: "sqlx::query", "secret");
                tracing::info!(target: "tidegateway", "secret");
            });
            assert_eq!(text, "", "{filter}");
        }
        let text = logged(LogFormat::Text, "trace", || tracing::warn!(target: "h2", "a warning"));
        assert!(text.contains("a warning"), "{text}");
    }

    #[test]
    fn own_crates_follow_the_filter() {
        let write = || {
            tracing::trace!(target: "tidegate_api::data", "detail");
            tracing::trace!(target: "tidegate::server", "detail");
            tracing::info!(target: "tidegate::server", "listening");
        };
        assert_eq!(logged(LogFormat::Text, "tidegate_api=trace,info", write).matches("detail").count(), 1);
        assert_eq!(logged(LogFormat::Text, "trace", write).matches("detail").count(), 2);
        let text = logged(LogFormat::Text, "info", write);
        assert!(text.contains("listening") && !text.contains("detail"), "{text}");
    }

    #[test]
    fn json_lines_are_objects() {
        let text = logged(LogFormat::Json, "info", || {
            tracing::info!(target: "tidegate::server", file = "a b", "listening on http://127.0.0.1:8181");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "listening on http://127.0.0.1:8181");
        assert_eq!(line["file"], "a b");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn what_is_no_filter_is_an_error_that_names_the_variable() {
        let error = parse_filter(Some("tidegate=loud".into())).unwrap_err();
        assert!(error.to_string().starts_with("TIDEGATE_LOG is not a log filter"), "{error}");
        parse_filter(None).unwrap();
        parse_filter(Some("".into())).unwrap();
    }
}
