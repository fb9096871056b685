//! A tour of the commands for databases, tables, clusters and users against a running server, under a profile of each
//! product (influxctl contract §§9–12, 14, 17).

use serde_json::{Value, json};

use super::support::api::{Credentials, Fresh};
use super::support::cli::Cli;

const NIL: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Product {
    Dedicated,
    Clustered,
}

const PRODUCTS: [Product; 2] = [Product::Dedicated, Product::Clustered];

/// A server, and the face of influxctl with a configuration file as its users write it.
struct Tour {
    _fresh: Fresh,
    cli: Cli,
    product: Product,
    account: String,
    cluster: String,
    authority: String,
}

impl Tour {
    async fn start(product: Product) -> Self {
        let fresh = Fresh::start().await;
        let credentials = Credentials::read(&fresh.server.data_dir);
        let (account, cluster) = (credentials.text("account_id"), credentials.text("cluster_id"));
        let authority = fresh.api.authority().to_owned();
        let (host, port) = authority.split_once(':').unwrap();
        let place = match product {
            Product::Dedicated => format!(
                "product = \"dedicated\"\naccount_id = \"{account}\"\ncluster_id = \"{cluster}\"\n\
                 management_url = \"http://{authority}\""
            ),
            Product::Clustered => "product = \"clustered\"".to_owned(),
        };
        let token = &fresh.api.management_token;
        let profile = format!(
            "[[profile]]\nname = \"default\"\n{place}\nhost = \"{host}\"\nport = \"{port}\"\nmgmt_token = \"{token}\"\n\
             [profile.tls]\ndisable = true\n"
        );
        let directory = fresh.directory.path();
        let file = directory.join("influxctl.toml");
        std::fs::write(&file, profile).unwrap();
        let cli = Cli::bare(directory).influxctl().env("INFLUXCTL_PROFILE", file.to_str().unwrap());
        Self { _fresh: fresh, cli, product, account, cluster, authority }
    }

    /// Runs a command that must succeed, and gives what it printed.
    #[track_caller]
    fn run<const N: usize>(&self, arguments: [&str; N]) -> String {
        self.cli.run(arguments).success().stdout
    }

    #[track_caller]
    fn json<const N: usize>(&self, arguments: [&str; N]) -> Value {
        self.cli.run_with_input(&[&arguments[..], &["--format", "json"]].concat(), "").success().json()
    }

    /// Runs a command that must fail, for this reason.
    #[track_caller]
    fn refused<const N: usize>(&self, arguments: [&str; N], reason: &str) {
        let said = self.cli.run(arguments).failure();
        assert!(said.stderr.contains(reason), "{reason:?} is missing in {said:?}");
    }

    fn databases(&self, status: &str) -> Vec<Value> {
        self.json(["database", "list", "--filter-status", status]).as_array().unwrap().clone()
    }

    fn tables(&self, status: &str) -> Vec<Value> {
        self.json(["table", "list", "--filter-status", status, "plant7"]).as_array().unwrap().clone()
    }

    /// A token that may read and write the database.
    fn token(&self) -> String {
        let grants = ["--read-database", "plant7", "--write-database", "plant7"];
        let words = [&["token", "create", "tour"][..], &grants].concat();
        self.cli.run_with_input(&words, "").success().last_line().to_owned()
    }
}

#[tokio::test]
async fn databases_are_changed_renamed_deleted_and_restored() {
    for product in PRODUCTS {
        let tour = Tour::start(product).await;
        assert_eq!(tour.run(["database", "create", "--retention-period", "30d", "a"]), "");
        let [database] = tour.databases("active").try_into().unwrap();
        let (account, cluster) = match product {
            Product::Dedicated => (tour.account.as_str(), tour.cluster.as_str()),
            Product::Clustered => (NIL, NIL),
        };
        assert_eq!((&database["account_id"], &database["cluster_id"]), (&json!(account), &json!(cluster)));
        let id = database["id"].clone();

        tour.run(["database", "update", "--max-tables", "7", "a"]);
        let [database] = tour.databases("active").try_into().unwrap();
        assert_eq!(
            (&database["max_tables"], &database["max_columns_per_table"], &database["retention_period_ns"]),
            (&json!(7), &json!(250), &json!(30 * 86_400_000_000_000_i64)),
            "what is not given stays"
        );

        tour.run(["database", "create", "c"]);
        tour.refused(["database", "rename", "a", "c"], "database \"c\" already exists");
        tour.refused(["database", "rename", "a", "_a"], "must not start with '_'");
        tour.run(["database", "rename", "a", "b"]);
        tour.refused(["database", "update", "--max-tables", "8", "a"], "not found");

        tour.run(["database", "delete", "--force", "b"]);
        let [deleted] = tour.databases("deleted").try_into().unwrap();
        assert_eq!((&deleted["id"], &deleted["database_name"]), (&id, &json!("b")));
        assert!(deleted["deleted_at"]["seconds"].is_i64(), "{deleted}");
        tour.run(["database", "create", "b"]);
        tour.refused(["database", "undelete", "b"], "its name is in use");
        tour.run(["database", "rename", "b", "d"]);
        tour.run(["database", "undelete", "b"]);
        let restored = tour.databases("active").into_iter().find(|database| database["database_name"] == "b").unwrap();
        assert_eq!((&restored["id"], &restored["max_tables"]), (&id, &json!(7)));
        tour.refused(["database", "undelete", "nowhere"], "there is no deleted database \"nowhere\"");
    }
}

#[tokio::test]
async fn tables_are_created_renamed_deleted_and_restored() {
    for product in PRODUCTS {
        let tour = Tour::start(product).await;
        tour.run(["database", "create", "plant7"]);
        tour.run(["table", "create", "--template-tag", "line", "--template-timeformat", "%Y-%m", "plant7", "press"]);
        tour.refused(["table", "create", "plant7", "press"], "\"press\" is already in use in \"plant7\"");
        let token = tour.token();
        tour.run(["write", "--database", "plant7", "--token", &token, "oven,line=L1 heat=4.5 1"]);
        let tables = tour.tables("active");
        let names: Vec<&Value> = tables.iter().map(|table| &table["name"]).collect();
        assert_eq!(names, ["oven", "press"]);
        assert_eq!(
            tables[1]["partition_template"],
            json!([{"type": "tag", "value": "line"}, {"type": "time", "value": "%Y-%m"}])
        );
        assert!(tour.run(["table", "list", "plant7"]).contains("| NAME  | ICEBERG ENABLED |"));

        let id = tables[0]["id"].clone();
        let renamed = tour.json(["table", "rename", "plant7", "oven", "kiln"]);
        assert_eq!(renamed, json!({"id": id, "database_name": "plant7", "name": "kiln"}));
        for name in ["oven", "kiln"] {
            let sql = format!("SELECT heat FROM {name}");
            assert_eq!(tour.json(["query", "--database", "plant7", "--token", &token, &sql]), json!([{"heat": 4.5}]));
        }

        tour.run(["table", "delete", "--force", "plant7", "kiln"]);
        let [deleted] = tour.tables("deleted").try_into().unwrap();
        assert_eq!((&deleted["id"], &deleted["name"]), (&id, &json!("kiln")));
        tour.refused(["table", "delete", "--force", "plant7", "kiln"], "not found");
        tour.refused(["table", "undelete", "plant7", "kiln"], "is not the id of a table");
        tour.run(["table", "undelete", "plant7", &id.to_string()]);
        assert_eq!(tour.tables("active").len(), 2);

        let reason = match product {
            Product::Dedicated => "iceberg is not supported by this server",
            Product::Clustered => "command not supported by InfluxDB Clustered",
        };
        for word in ["enable", "disable"] {
            tour.refused(["table", "iceberg", word, "plant7", "press"], reason);
        }
    }
}

#[tokio::test]
async fn clusters_and_users_are_shown() {
    for product in PRODUCTS {
        let tour = Tour::start(product).await;
        let shown = tour.json(["cluster", "get", &tour.cluster]);
        assert_eq!((&shown["cluster_id"], &shown["state"]), (&json!(tour.cluster), &json!("ready")));
        assert_eq!(shown["url"], tour.authority);
        assert!(shown["created_at"]["seconds"].is_i64(), "{shown}");
        assert!(tour.run(["cluster", "get", &tour.cluster]).contains(&format!("|    id | {} |", tour.cluster)));
        match tour.product {
            Product::Dedicated => assert_eq!(tour.json(["cluster", "list"]), json!([shown])),
            Product::Clustered => tour.refused(["cluster", "list"], "command not supported by InfluxDB Clustered"),
        }
        assert_eq!(tour.json(["user", "list"]), json!([]));
        let empty = tour.run(["user", "list"]);
        assert_eq!(empty.lines().nth(1).unwrap(), "| ID | FIRST NAME | LAST NAME | EMAIL |");
    }
}

#[tokio::test]
async fn queries_show_every_column_and_writes_name_their_bad_lines() {
    for product in PRODUCTS {
        let tour = Tour::start(product).await;
        tour.run(["database", "create", "plant7"]);
        let token = tour.token();
        let with_token = ["--database", "plant7", "--token", &token];
        let write = |lines: &str| {
            tour.cli.run_with_input(&[&["write", "--batch-size", "2"], &with_token[..], &["-"]].concat(), lines)
        };
        let query = |flags: &[&str], sql: &str| {
            tour.cli.run_with_input(&[&["query"], &with_token[..], flags, &[sql]].concat(), "").success().stdout
        };
        write("press,line=L1 bar=36,on=true 1772352000000000000\n# idle\npress,line=L2 bar=4.5 1772352060500000000\n")
            .success();
        let said = write("press bar=1 1\n\npress bar=2 2\npress bar=3 3\npress bar=\n").failure();
        assert!(said.stderr.starts_with("error\tline 5: "), "{said:?}");
        assert!(said.stderr.ends_with("; lines 1-3 were written\n"), "{said:?}");

        let all = "SELECT line, CAST(NULL AS DOUBLE) AS w, \"on\", bar, time, time AS at FROM press WHERE bar > 4 ORDER BY bar";
        assert_eq!(
            query(&[], all),
            "\
+-------+--------+------+-----+------------------------+------------------------+
| line  |      w | on   | bar | time                   | at                     |
+-------+--------+------+-----+------------------------+------------------------+
| L2    |        |      | 4.5 | 2026-03-01T08:01:00.5Z | 2026-03-01T08:01:00.5Z |
| L1    |        | true |  36 | 2026-03-01T08:00:00Z   | 2026-03-01T08:00:00Z   |
+-------+--------+------+-----+------------------------+------------------------+
| TOTAL | 2 ROWS |      |     |                        |                        |
+-------+--------+------+-----+------------------------+------------------------+
"
        );
        let shown: Value = serde_json::from_str(&query(&["--format", "json"], all)).unwrap();
        let (early, late) = (1_772_352_000_000_000_000_i64, 1_772_352_060_500_000_000_i64);
        assert_eq!(
            shown,
            json!([
                {"at": late, "bar": 4.5, "line": "L2", "on": null, "time": late, "w": null},
                {"at": early, "bar": 36, "line": "L1", "on": true, "time": early, "w": null}
            ])
        );
        let none = "SELECT line, bar, time FROM press WHERE bar < 0";
        assert_eq!(
            query(&["--time-format", "unixnano"], none),
            "\
+-------+--------+------+
| line  |    bar | time |
+-------+--------+------+
| TOTAL | 0 ROWS |      |
+-------+--------+------+
"
        );
        assert_eq!(query(&["--format", "json"], none), "[]\n");
    }
}
