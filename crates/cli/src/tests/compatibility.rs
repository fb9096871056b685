//! Every command against a server that has what the vendor documents and nothing of ours.

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri};

use super::harness::{CLUSTER, MANAGEMENT_TOKEN, Scene, cluster_path, leaves};
use super::vendor::{Product, SECRET, Vendor, serve};
use crate::Face;

const ID: &str = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";

/// These work with any server of both products.
const DOCUMENTED: &[&[&str]] = &[
    &["database", "create", "plant7"],
    &[
        "database",
        "create",
        "a/b",
        "--retention-period",
        "30d",
        "--max-tables",
        "7",
        "--max-columns",
        "9",
        "--template-tag",
        "site",
        "--template-tag-bucket",
        "device,16",
        "--template-timeformat",
        "%Y-%m",
    ],
    &["database", "list"],
    &["database", "list", "--format", "json"],
    &["database", "update", "--retention-period", "1d", "plant7"],
    &["database", "update", "--max-tables", "1", "--max-columns", "2", "plant7"],
    &["database", "rename", "plant7", "plant8"],
    &["database", "delete", "--force", "plant7", "a/b"],
    &["table", "create", "plant7", "press"],
    &["table", "create", "plant7", "press", "--template-tag", "site", "--template-timeformat", "%Y"],
    &["table", "delete", "--force", "plant7", "a b/c"],
    &["table", "rename", "plant7", "press", "press_line"],
    &["table", "rename", "plant7", "press", "press_line", "--format", "json"],
    &["table", "undelete", "plant7", "88"],
    &["token", "create", "gateway"],
    &[
        "token",
        "create",
        "--read-database",
        "*",
        "--write-database",
        "plant7",
        "--expires-at",
        "2030-01-01T00:00:00Z",
        "--format",
        "json",
        "gateway",
    ],
    &["token", "get", ID],
    &["token", "list", "--sort", "description"],
    &["token", "update", "--description", "x", ID],
    &["token", "update", "--read-database", "a", ID],
    &["token", "revoke", "--force", ID],
    &["write", "m f=1 1"],
    &["write", "--precision", "s", "m f=1 1"],
];

/// These need something that is not documented, and this is what they say of a server without it.
const EXTENSIONS: &[(&[&str], &str)] = &[
    (&["database", "list", "--filter-status", "deleted"], "listing deleted databases"),
    (&["database", "undelete", "plant7"], "listing deleted databases"),
    (&["table", "list", "plant7"], "listing tables"),
    (&["table", "list", "--filter-status", "deleted", "plant7"], "listing deleted tables"),
    (&["token", "list", "--include-revoked"], "showing revoked tokens"),
    (&["token", "get", "--include-revoked", ID], "showing revoked tokens"),
    (&["management", "create"], "the administration of management tokens"),
    (&["management", "list"], "the administration of management tokens"),
    (&["management", "revoke", "--force", ID], "the administration of management tokens"),
    (&["cluster", "get", CLUSTER], "showing clusters"),
    (&["user", "list"], "listing users"),
    (&["query", "SELECT 1"], "SQL over HTTP"),
];

/// These exist on Dedicated only, and need an extension there.
const DEDICATED_ONLY: &[(&[&str], &str)] = &[
    (&["cluster", "list"], "showing clusters"),
    (&["table", "iceberg", "enable", "plant7", "press"], "iceberg"),
    (&["table", "iceberg", "disable", "plant7", "press"], "iceberg"),
];

/// These talk to no such server.
const ELSEWHERE: &[&[&str]] = &[&["auth", "login"], &["auth", "logout"], &["version"], &["completion"], &["man"]];

async fn setting(product: Product) -> (Scene, Vendor) {
    let vendor = Vendor::start(product).await;
    let scene = Scene::without_configuration().await;
    let profile = match product {
        Product::Dedicated => scene.dedicated_profile(),
        Product::Clustered => scene.clustered_profile(),
    };
    scene.configure(&profile.replace(&scene.port.to_string(), &vendor.port.to_string()));
    (scene, vendor)
}

#[tokio::test]
async fn documented_servers_are_enough_for_all_commands_but_those_that_say_so() {
    for product in [Product::Dedicated, Product::Clustered] {
        let (scene, vendor) = setting(product).await;
        for command in DOCUMENTED {
            let outcome = scene.run(command).await.succeeded();
            assert_eq!(vendor.take_surprises(), Vec::<String>::new(), "{command:?}");
            assert_eq!(outcome.stdout.contains(SECRET), command.starts_with(&["token", "create"]), "{command:?}");
        }
        // Restoring a database by its name needs its id, which only an extension tells.
        assert_eq!(vendor.unused(), ["PUT /databases/{id}/undelete"]);
        for (command, feature) in EXTENSIONS {
            let reason = format!("{feature} is not supported by this server");
            scene.run(command).await.failed(&reason);
            assert_ne!(vendor.take_surprises(), Vec::<String>::new(), "{command:?} needs no extension");
        }
        for (command, feature) in DEDICATED_ONLY {
            let (expected, asks) = match product {
                Product::Dedicated => (format!("error\t{feature} is not supported by this server\n"), true),
                Product::Clustered => ("error\tcommand not supported by InfluxDB Clustered\n".to_owned(), false),
            };
            scene.run(command).await.failed_with(&expected);
            assert_eq!(!vendor.take_surprises().is_empty(), asks, "{command:?}");
        }
    }
}

#[test]
fn no_command_is_left_out() {
    let mut left: Vec<Vec<String>> = leaves(&crate::command(Face::Influxctl));
    let tried =
        DOCUMENTED.iter().chain(ELSEWHERE).chain(EXTENSIONS.iter().chain(DEDICATED_ONLY).map(|(command, _)| command));
    for command in tried {
        left.retain(|words| !command.iter().zip(words).all(|(a, b)| a == b));
    }
    assert_eq!(left, Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn the_stub_refuses_what_is_not_documented() {
    let vendor = Vendor::start(Product::Dedicated).await;
    let headers = HeaderMap::from_iter([
        (AUTHORIZATION, format!("Bearer {MANAGEMENT_TOKEN}").parse().unwrap()),
        (CONTENT_TYPE, "application/json".parse().unwrap()),
    ]);
    for (method, target, body, fault) in [
        ("GET", "/databases?status=active", "", "query parameter"),
        ("GET", "/databases/plant7", "", "method"),
        ("GET", "/clusters", "", "path"),
        ("POST", "/databases", r#"{"name":"x","id":1}"#, "member id"),
        ("POST", "/databases", r#"{"maxTables":1}"#, "name is missing"),
        ("POST", "/tokens", r#"{"description":"x","permissions":[{"action":"admin","resource":"*"}]}"#, "permissions"),
        ("PATCH", "/databases/plant7", "{}", "no member"),
        ("PUT", "/databases/0/undelete", "", "path"),
        ("DELETE", "/tokens/7", "", "path"),
        ("DELETE", "/databases/plant7", "x", "a body"),
    ] {
        let (method, uri) = (Method::try_from(method).unwrap(), cluster_path(target).parse::<Uri>().unwrap());
        let answer = serve(State(vendor.clone()), method.clone(), uri, headers.clone(), body.into()).await;
        assert!(answer.status().is_client_error(), "{method} {target}");
        let surprises = vendor.take_surprises();
        assert!(surprises.len() == 1 && surprises[0].contains(fault), "{method} {target}: {surprises:?}");
    }
}
