//! The OpenAPI document is checked in, so that a change of the interface shows as a diff.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

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
fn the_documents_are_checked_in() {
    assert_file("docs/openapi.json", &format!("{}\n", tidegate_api::document().to_pretty_json().unwrap()));
    assert_file("docs/openapi-v2.json", &format!("{}\n", tidegate_api::document_v2().to_pretty_json().unwrap()));
}

#[test]
fn every_operation_says_what_it_needs_or_is_listed_as_open() {
    let mut open = Vec::new();
    for document in [tidegate_api::document(), tidegate_api::document_v2()] {
        let document = serde_json::to_value(document).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if operation.get("security").is_none() {
                    open.push(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
    }
    open.sort();
    assert_file("tests/open-routes.txt", &format!("{}\n", open.join("\n")));
}

#[test]
fn every_management_operation_is_described_in_both_forms() {
    let document = serde_json::to_value(tidegate_api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut names = BTreeSet::new();
    let mut pairs = 0;
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is the name of two operations");
            let Some(rest) = path.strip_prefix("/api/v0/accounts/{accountId}") else { continue };
            let rest = rest.strip_prefix("/clusters/{clusterId}/").unwrap_or(rest).trim_start_matches('/');
            let clustered = &paths[&format!("/api/v0/{rest}")][method];
            assert_eq!(clustered["operationId"], format!("{name}Clustered"));
            for operation in [operation, clustered] {
                assert_eq!(operation["security"], json!([{ "management_token": [] }]), "{name}");
                assert!(operation["responses"]["401"]["headers"]["WWW-Authenticate"].is_object(), "{name}");
                assert!(operation["responses"].get("default").is_none(), "{name}");
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 23);
}
