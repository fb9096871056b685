use super::harness::{MANAGEMENT_TOKEN, Scene, cluster_path};

const JSON_WEB_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLXRoZS1wcm92aWRlcg";
const SECOND_VERSION: &str = "pQ8vZb3kX0fT5m-Rr7_yWc2hLsN9dJuEoGiA1tKxVwS6BnMqCzYeDPaHgUjFlO4kI3XvTb8Rm0_Zy2WcQs5NdA==";
const ODD: &str = "hunter2.with/odd,characters";

const WRITE: &str = "/api/v2/write?bucket=plant7&precision=ns";

#[tokio::test]
async fn a_server_that_repeats_the_credential_does_not_get_it_shown() {
    let mut scene = Scene::new().await;
    for secret in [JSON_WEB_TOKEN, SECOND_VERSION, ODD] {
        let refusal = format!("I do not like '{secret}', no: {secret}");
        scene.answer("POST", WRITE, 500, &refusal);
        let outcome = scene.run(&["write", "--token", secret, "m f=1"]).await.failed("I do not like '…', no: … (");
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
        scene.variable("INFLUXCTL_MGMT_TOKEN", secret);
        scene.answer("GET", &cluster_path("/tokens"), 500, &refusal);
        let outcome = scene.run(&["--debug", "token", "list"]).await.failed("I do not like '…', no: … (");
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
    }
    scene.requests();
}

#[tokio::test]
async fn credentials_that_a_command_did_not_send_are_hidden_too() {
    let scene = Scene::without_configuration().await;
    let longer = format!("{ODD}-longer");
    scene.configure(&scene.dedicated_profile().replace(MANAGEMENT_TOKEN, &longer));
    scene.answer("POST", WRITE, 500, format!("known: {longer} and {ODD}; {JSON_WEB_TOKEN}"));
    let outcome = scene.run(&["write", "--token", ODD, "m f=1"]).await;
    let shown = "error\tlines from line 1 on were not written: known: … and …; eyJ… (HTTP 500)\n";
    assert_eq!((outcome.status, outcome.stderr.as_str()), (1, shown));
}

#[tokio::test]
async fn a_credential_of_a_few_letters_does_not_spoil_messages() {
    let scene = Scene::new().await;
    scene.answer("POST", WRITE, 500, "a line is bad");
    scene.run(&["write", "--token", "line", "m f=1"]).await.failed("a line is bad");
}
