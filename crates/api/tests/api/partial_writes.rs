//! What happens to good lines beside bad ones (data-plane contract §§4.5, 4.6, and the decisions).

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, fixture};

const ALL_OR_NOTHING: [&str; 3] =
    ["/write?db=a", "/api/v2/write?bucket=a", "/api/v3/write_lp?db=a&accept_partial=false"];
const PARTIAL: &str = "/api/v3/write_lp?db=a&precision=ns";

async fn has_table(f: &Fixture, token: &str, table: &str) -> bool {
    let sql = format!("SELECT count(*) AS n FROM information_schema.tables WHERE table_name = '{table}'");
    f.rows(token, "a", &sql).await[0]["n"] == 1
}

async fn columns(f: &Fixture, token: &str, table: &str) -> Vec<String> {
    let sql =
        format!("SELECT column_name AS c FROM information_schema.columns WHERE table_name = '{table}' ORDER BY c");
    let rows = f.rows(token, "a", &sql).await;
    rows.as_array().unwrap().iter().map(|row| row["c"].as_str().unwrap().to_owned()).collect()
}

/// Every error of a write is JSON and says so.
fn body(answer: &Answer) -> Value {
    assert!(answer.is_json());
    answer.json()
}

#[tokio::test]
async fn v3_writes_the_good_lines_and_lists_the_bad_ones() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines = "# a comment, which counts as a line\n\ncpu,host=a f=1 1\ncpu,host=b f= 2\n\ncpu,host=c f=3 3\nmem,host=d f=\"日本語日本語\",g=x 4\n";
    for path in [PARTIAL, "/api/v3/write_lp?db=a&precision=ns&accept_partial=true"] {
        let answer = f.post(path, &token, lines).await;
        assert_eq!(answer.status, 400);
        let expected = json!({
            "error": "partial write of line protocol occurred",
            "data": [
                { "error_message": "No fields were provided", "line_number": 4, "original_line": "cpu,host=b f= 2" },
                {
                    "error_message": "Could not parse entire line. Found trailing content: `g=x 4`",
                    "line_number": 7,
                    // Twenty bytes would cut a character in two.
                    "original_line": "mem,host=d f=\"日本",
                },
            ],
        });
        assert_eq!(body(&answer), expected);
        let rows = f.rows(&token, "a", "SELECT host, f FROM cpu ORDER BY time").await;
        assert_eq!(
            rows,
            json!([{ "host": "a", "f": 1.0 }, { "host": "c", "f": 3.0 }]),
            "sending again changes nothing"
        );
    }
    assert!(!has_table(&f, &token, "mem").await);
}

#[tokio::test]
async fn all_lines_bad_writes_nothing() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let answer = f.post(PARTIAL, &token, "cpu\nmem f=").await;
    assert_eq!(answer.status, 400);
    let body = body(&answer);
    assert_eq!(body["error"], "partial write of line protocol occurred");
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    assert!(!has_table(&f, &token, "cpu").await && !has_table(&f, &token, "mem").await);
}

#[tokio::test]
async fn the_others_write_all_lines_or_none() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines = "# comment\n\ncpu,host=a f=1 1\ncpu,host=b f= 2\nmem f=1 1\ncpu\n";
    for path in ALL_OR_NOTHING {
        let answer = f.post(path, &token, lines).await;
        assert_eq!(answer.status, 400, "{path}");
        let body = body(&answer);
        if path.starts_with("/api/v3") {
            let expected = json!({
                "error": "line protocol parsing error",
                "data": {
                    "error_message": "No fields were provided", "line_number": 4, "original_line": "cpu,host=b f= 2",
                },
            });
            assert_eq!(body, expected);
        } else {
            assert_eq!(body["code"], "invalid", "{path}");
            assert_eq!(body["line"], 4, "{path}");
            let message = body["message"].as_str().unwrap();
            let listed: Vec<_> = message.lines().skip(1).collect();
            let expected =
                ["line 4: No fields were provided", "line 6: Expected at least one space character, got end of input"];
            assert_eq!(listed, expected, "{path}");
            let error = body.get("error").cloned();
            assert_eq!(
                error,
                path.starts_with("/write").then(|| json!(message)),
                "{path}: v1 clients read this member"
            );
        }
        assert!(!has_table(&f, &token, "cpu").await && !has_table(&f, &token, "mem").await, "{path}");
    }
}

#[tokio::test]
async fn v1_and_v2_list_ten_lines() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines: String = (0..250).map(|n| format!("bad{n}\n")).collect();
    for path in &ALL_OR_NOTHING[..2] {
        let body = body(&f.post(path, &token, lines.clone()).await);
        assert_eq!(body["line"], 1, "{path}");
        let message = body["message"].as_str().unwrap();
        assert_eq!(message.lines().count(), 11, "{path}");
        assert!(message.contains("\nline 10: ") && !message.contains("line 11"), "{path}");
    }
}

#[tokio::test]
async fn the_list_of_v3_has_an_end_and_stays_in_order() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines: String = (0..2500).map(|n| format!("bad{n}\n")).collect::<String>() + "cpu f=1 1\n";
    let answer = f.post(PARTIAL, &token, lines).await;
    assert_eq!(answer.status, 400);
    let body = body(&answer);
    let listed = body["data"].as_array().unwrap();
    assert!(listed.len() >= 100 && listed.len() <= 2500, "{}", listed.len());
    for (n, line) in (1..).zip(listed) {
        assert_eq!(line["line_number"], n);
    }
    assert!(has_table(&f, &token, "cpu").await, "the good line behind them is written");
}

#[tokio::test]
async fn a_refused_line_leaves_no_column_and_no_table() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines = "cpu f=1 1\ncpu,newtag=x new=1,f=\"text\" 2\nmem,t=a t=1 1\ncpu f=2 3";
    for path in ALL_OR_NOTHING {
        assert_eq!(f.post(path, &token, lines).await.status, 400, "{path}");
        assert_eq!(columns(&f, &token, "cpu").await, [""; 0], "{path}");
    }
    let answer = f.post(PARTIAL, &token, lines).await;
    let conflict = "invalid column type for column 'f', expected iox::column_type::field::float, got \
                    iox::column_type::field::string";
    assert_eq!(body(&answer)["data"][0]["error_message"], conflict);
    assert_eq!(columns(&f, &token, "cpu").await, ["f", "time"], "no column of the refused line");
    assert!(!has_table(&f, &token, "mem").await);
    // The names are still free for another use.
    assert_eq!(f.post(PARTIAL, &token, "cpu,new=x newtag=1 5\nmem t=1 1").await.status, 204);
}

#[tokio::test]
async fn limits_of_the_schema() {
    let f = fixture().await;
    let limits = json!({ "name": "a", "maxTables": 2, "maxColumnsPerTable": 4 });
    assert_eq!(f.manage("POST", "/databases", limits).await.status, 200);
    let (_, token) = f.create_token("read:a write:a", None).await;
    assert_eq!(f.post(PARTIAL, &token, "cpu,t=x f=1,g=1 1").await.status, 204, "exactly four columns with time");
    let columns_full = "Update to schema would exceed number of columns per table limit of 4 columns";
    let tables_full = "Update to schema would exceed number of tables limit: attempted to create table but already \
                       have 2 table(s) (limit: 2)";
    for (lines, expected) in [
        ("cpu f=2 2\ncpu h=1 3", columns_full),
        ("cpu f=2 2\ncpu,u=x f=1 3", columns_full),
        ("mem f=1 1\ndisk f=1 1", tables_full),
    ] {
        for path in ALL_OR_NOTHING {
            let answer = f.post(path, &token, lines).await;
            assert_eq!(answer.status, 400, "{path} {lines}");
            assert!(answer.text().contains(expected), "{path}: {}", answer.text());
        }
        let answer = f.post(PARTIAL, &token, lines).await;
        assert_eq!(answer.status, 422, "{lines}");
        let body = body(&answer);
        assert_eq!(body["error"], "partial write of line protocol occurred");
        assert_eq!(body["data"][0]["error_message"], expected);
        assert_eq!(body["data"][0]["line_number"], 2);
    }
    assert_eq!(f.post(PARTIAL, &token, "cpu h=1 3").await.status, 400, "nothing was written, so nothing is partial");
    assert_eq!(columns(&f, &token, "cpu").await, ["f", "g", "t", "time"]);
    assert!(has_table(&f, &token, "mem").await && !has_table(&f, &token, "disk").await);
    assert_eq!(f.post(PARTIAL, &token, "mem f=2,g=2,h=2 2").await.status, 204);
}

#[tokio::test]
async fn line_numbers_are_those_of_the_body() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines = "\r\n# one\n  # two \"=\n\ncpu s=\"a\nb\nc\" 1\nbad\n\ncpu s=\"x\ny\"z 2\n";
    let answer = f.post(PARTIAL, &token, lines).await;
    assert_eq!(answer.status, 400);
    let body = body(&answer);
    let listed: Vec<_> = body["data"].as_array().unwrap().iter().map(|line| line["line_number"].as_i64()).collect();
    assert_eq!(listed, [Some(8), Some(10)], "a line over several lines counts where it begins");
    assert_eq!(body["data"][1]["original_line"], "cpu s=\"x\ny\"z 2");
}
