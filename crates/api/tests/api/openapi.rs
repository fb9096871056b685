//! The OpenAPI document is checked in, so that a change of the interface shows as a diff.

use std::path::Path;

/// Compares a file with what the code says now. Run with `TIDEGATE_UPDATE=1` to write the file anew.
pub(crate) fn assert_file(path: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("TIDEGATE_UPDATE").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(now.lines()).find(|(kept, now)| kept != now);
    assert!(
        kept == now,
        "{} is not what the code says, first at {differs:?}; if the change is meant, run again with TIDEGATE_UPDATE=1",
        path.display()
    );
}

#[test]
fn the_document_is_checked_in() {
    assert_file("docs/openapi.json", &format!("{}\n", tidegate_api::document().to_pretty_json().unwrap()));
}

#[test]
fn every_operation_says_what_it_needs_or_is_listed_as_open() {
    let document = serde_json::to_value(tidegate_api::document()).unwrap();
    let mut open = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_none() {
                open.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    open.sort();
    assert_file("tests/open-routes.txt", &format!("{}\n", open.join("\n")));
}
