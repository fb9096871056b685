use serde_json::{Value, json};

use super::scene::{BUCKET, ORG, Place, USER, authorization, bucket};

const SETUP: &str = "/api/v2/setup";
const SECRET: &str = "-the-operators-token-0123456789";

fn done() -> Value {
    let mut operator = authorization();
    operator["token"] = json!(SECRET);
    json!({
        "user": { "id": USER, "name": "ada" }, "org": { "id": ORG, "name": "plant" }, "bucket": bucket(BUCKET, "press"),
        "auth": operator,
    })
}

#[tokio::test]
async fn flags_alone_set_a_server_up_and_make_a_config() {
    let place = Place::without_configs().await;
    let host = place.url();
    place.answer("GET", SETUP, 200, &json!({ "allowed": true }));
    place.answer("POST", SETUP, 201, &done());
    let flags = ["-f", "-u", "ada", "-p", "correct horse", "-o", "plant", "-b", "press", "-r", "30d", "-t", "my-token"];
    let outcome = place.run(&[&["setup", "--host", &host][..], &flags].concat()).await;
    assert!(!outcome.stderr.contains("correct horse"));
    outcome.printed("User\tOrganization\tBucket\nada\tplant\t\tpress\n");
    assert_eq!(
        place.requests()[1].body,
        r#"{"bucket":"press","org":"plant","password":"correct horse","retentionPeriodSeconds":2592000,"token":"my-token","username":"ada"}"#
    );
    assert!(place.requests().iter().all(|request| !request.headers.contains_key("authorization")));
    let expected =
        format!("[default]\n  url = \"{host}\"\n  token = \"{SECRET}\"\n  org = \"plant\"\n  active = true\n");
    assert!(place.read_configs().starts_with(&expected), "{}", place.read_configs());
}

#[tokio::test]
async fn a_further_config_needs_a_name() {
    let place = Place::new().await;
    let setup = async |flags: &[&str]| {
        place.answer("GET", SETUP, 200, &json!({ "allowed": true }));
        place.run(&[&["setup", "-f", "--json"], flags].concat()).await
    };
    setup(&[]).await.told("config name is required if you already have existing configs");
    setup(&["-n", "test"]).await.told("config name \"test\" already exists");
    place.answer("POST", SETUP, 201, &done());
    setup(&["-n", "new"])
        .await
        .printed("{\n\t\"bucket\": \"press\",\n\t\"organization\": \"plant\",\n\t\"user\": \"ada\"\n}\n");
    // What was active stays so.
    assert!(place.read_configs().contains("[new]") && place.run(&["config"]).await.stdout.contains("*\ttest"));
}

#[tokio::test]
async fn what_cannot_be_set_up() {
    let place = Place::new().await;
    place.answer("GET", SETUP, 200, &json!({ "allowed": false }));
    place.run(&["setup", "-f"]).await.told("instance has already been set up");
    place.answer("GET", SETUP, 200, &json!({ "allowed": true }));
    place.refuse("POST", SETUP, 422, "unprocessable entity", "onboarding failed");
    place
        .run(&["setup", "-f", "-n", "new"])
        .await
        .told("failed to setup instance: 422 Unprocessable Entity: onboarding failed");
    assert!(!place.read_configs().contains("[new]"));
}

#[tokio::test]
async fn nothing_is_set_up_whose_token_could_not_be_kept() {
    let place = Place::without_configs().await;
    let host = place.url();
    // Nothing can be made here, also by the superuser.
    let path = "/proc/no-such-directory/configs";
    place.answer("GET", SETUP, 200, &json!({ "allowed": true }));
    let outcome = place.run(&["setup", "-f", "--host", &host, "--configs-path", path]).await;
    assert!(outcome.status == 1 && outcome.stderr.starts_with("Error: cannot "), "{outcome:?}");
    assert_eq!(place.requests().len(), 1);
}

#[tokio::test]
async fn what_is_missing_is_asked_for() {
    let mut place = Place::without_configs().await;
    let host = place.url();
    place.0.stdin = "ada\ncorrect horse\nplant\npress\n48\ny\n".to_owned();
    place.answer("GET", SETUP, 200, &json!({ "allowed": true }));
    place.answer("POST", SETUP, 201, &done());
    let outcome = place.run(&["setup", "--host", &host]).await.succeeded();
    assert_eq!(
        outcome.stderr,
        "Please type your primary username: \nPlease type your password: \n\
         Please type your primary organization name: \nPlease type your primary bucket name: \n\
         Please type your retention period in hours, or 0 for infinite (0): \nSetup with these parameters?\n  \
         Username: ada\n  Organization: plant\n  Bucket: press\n  Retention Period: 48h0m0s\n(y/n) \n"
    );
    assert_eq!(place.requests()[1].json()["retentionPeriodSeconds"], 172_800);
    assert_eq!(place.requests()[1].json()["password"], "correct horse");
}

#[tokio::test]
async fn nothing_is_made_without_a_yes() {
    let mut place = Place::without_configs().await;
    let host = place.url();
    for (stdin, reason) in [
        ("press\nn\n", "setup was canceled"),
        ("press\n", "setup was canceled"),
        ("press\nx", "retention period \"x\" is not a number of hours"),
    ] {
        place.0.stdin = stdin.to_owned();
        let retention: &[&str] = if stdin.ends_with('x') { &[] } else { &["-r", "0"] };
        place.answer("GET", SETUP, 200, &json!({ "allowed": true }));
        let flags = ["setup", "--host", &host, "-u", "ada", "-p", "correct horse", "-o", "plant"];
        let outcome = place.run(&[&flags[..], retention].concat()).await;
        assert!(outcome.status == 1 && outcome.stderr.ends_with(&format!("Error: {reason}\n")), "{outcome:?}");
        assert!(!place.configs_path().exists());
    }
}
