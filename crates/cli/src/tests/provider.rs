//! An identity provider that knows the device authorization grant (RFC 8628) and nothing else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

pub(super) const DEVICE_CODE: &str = "device-code-that-nobody-may-see-0123456789";

type Parameters = HashMap<String, String>;

#[derive(Default)]
struct Script {
    device_answer: Option<(u16, Value)>,
    token_answers: VecDeque<(u16, Value)>,
    device_requests: Vec<Parameters>,
    token_requests: Vec<Parameters>,
}

#[derive(Clone, Default)]
pub(super) struct Provider {
    script: Arc<Mutex<Script>>,
    pub(super) port: u16,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let provider = Self { script: Arc::default(), port };
        let router = axum::Router::new()
            .route("/device", post(device))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// The section of a profile that leads here.
    pub(super) fn section(&self) -> String {
        let port = self.port;
        format!(
            r#"
  [profile.auth.oauth2]
  client_id = "influx-cli"
  scopes = ["openid", "influx/.default"]
  parameters = {{ audience = "plant7" }}
  device_url = "http://127.0.0.1:{port}/device"
  token_url = "http://127.0.0.1:{port}/token"
"#
        )
    }

    /// What the first request is answered with from now on, instead of a code.
    pub(super) fn answers_device(&self, status: u16, answer: Value) {
        self.script.lock().unwrap().device_answer = Some((status, answer));
    }

    /// What the next poll is answered with. Without it a poll is refused with 500.
    pub(super) fn answers_token(&self, status: u16, answer: Value) {
        self.script.lock().unwrap().token_answers.push_back((status, answer));
    }

    pub(super) fn refuses(&self, error: &str) {
        self.answers_token(400, json!({ "error": error }));
    }

    pub(super) fn grants(&self, token: &str) {
        self.answers_token(200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}));
    }

    pub(super) fn device_requests(&self) -> Vec<Parameters> {
        self.script.lock().unwrap().device_requests.clone()
    }

    pub(super) fn token_requests(&self) -> Vec<Parameters> {
        self.script.lock().unwrap().token_requests.clone()
    }
}

fn json_answer((status, answer): (u16, Value)) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(answer)).into_response()
}

async fn device(State(provider): State<Provider>, Form(form): Form<Parameters>) -> Response {
    let mut script = provider.script.lock().unwrap();
    script.device_requests.push(form);
    let code = json!({
        "device_code": DEVICE_CODE, "user_code": "WDJB-MJHT", "verification_uri": "https://id.example.org/device",
        "verification_uri_complete": "https://id.example.org/device?code=WDJB-MJHT", "interval": 2, "expires_in": 60
    });
    json_answer(script.device_answer.clone().unwrap_or((200, code)))
}

async fn token(State(provider): State<Provider>, Form(form): Form<Parameters>) -> Response {
    let mut script = provider.script.lock().unwrap();
    script.token_requests.push(form);
    json_answer(script.token_answers.pop_front().unwrap_or((500, json!({"error": "nothing scripted"}))))
}
