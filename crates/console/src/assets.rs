//! Static files, which are part of the program. Their names carry a hash of their content, so that browsers keep them.

use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};

const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file and where it is served.
struct Asset {
    path: String,
    content: &'static str,
    content_type: HeaderValue,
}

impl Asset {
    fn new(name: &str, extension: &str, content: &'static str, content_type: &'static str) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: format!("/console/assets/{name}-{hash}.{extension}"),
            content,
            content_type: HeaderValue::from_static(content_type),
        }
    }

    fn answer(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.content_type.clone()),
            (CACHE_CONTROL, KEEP),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, self.content).into_response()
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "css", include_str!("../assets/console.css"), "text/css; charset=utf-8"));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", include_str!("../assets/console.js"), "text/javascript; charset=utf-8")
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", include_str!("../assets/icon.svg"), "image/svg+xml"));

/// Where the style sheet is.
pub(crate) fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icon of the browser's tab is.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// Open to everybody: they say nothing that the source code does not.
pub(crate) fn routes() -> Router {
    [&STYLE, &SCRIPT, &ICON]
        .into_iter()
        .fold(Router::new(), |router, asset| router.route(&asset.path, get(async || asset.answer())))
}
