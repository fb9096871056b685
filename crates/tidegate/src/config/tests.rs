use super::*;

struct Sources {
    flags: Layer,
    variables: Vec<(&'static str, &'static str)>,
    file: Option<&'static str>,
}

impl Sources {
    fn none() -> Self {
        Self { flags: Layer::default(), variables: Vec::new(), file: None }
    }

    fn load(self) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = self.file.map(|text| {
            let path = directory.path().join("tidegate.toml");
            fs::write(&path, text).unwrap();
            path
        });
        let variables = self.variables;
        Config::load(self.flags, path, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }
}

const EVERY_KEY: &str = r#"
        data-dir = "/file"
        listen = ["localhost:1", "[::1]:2"]
        tls-cert = "cert.pem"
        tls-key = "key.pem"
        tls-self-signed = false
        allow-plaintext = true
        bootstrap-management-token-file = "token"
        revocation-bound = "2s"
        recovery-window = "1d"
        query-timeout = "3m"
        query-memory = "64MiB"
        metrics-public = true
        profile = "cloud"
        allow-remote-setup = true
        session-lifetime = "8h"
        log-format = "json"
    "#;

#[test]
fn defaults() {
    let config = Sources::none().load().unwrap();
    assert_eq!(config.data_dir, Path::new("./tidegate-data"));
    assert_eq!(config.listen, ["localhost:8181".parse().unwrap()]);
    assert_eq!(config.revocation_bound, Duration::from_secs(5));
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.recovery_window, Duration::from_secs(7 * 24 * 60 * 60));
    assert!(config.tls == TlsSource::None && config.bootstrap_management_token_file.is_none());
    assert!(!config.allow_plaintext && !config.metrics_public);
    assert!(config.profile == Profile::SelfHosted && !config.allow_remote_setup);
    assert_eq!(config.session_lifetime, None);
}

#[test]
fn the_file_can_say_everything() {
    let config = Sources { file: Some(EVERY_KEY), ..Sources::none() }.load().unwrap();
    let expected = Config {
        data_dir: "/file".into(),
        listen: vec!["localhost:1".parse().unwrap(), "[::1]:2".parse().unwrap()],
        tls: TlsSource::Files(TlsFiles { certificates: "cert.pem".into(), key: "key.pem".into() }),
        allow_plaintext: true,
        bootstrap_management_token_file: Some("token".into()),
        revocation_bound: Duration::from_secs(2),
        recovery_window: Duration::from_secs(24 * 60 * 60),
        query_timeout: Some(Duration::from_secs(180)),
        query_memory: Some(64 << 20),
        metrics_public: true,
        profile: Profile::Cloud,
        allow_remote_setup: true,
        session_lifetime: Some(Duration::from_secs(8 * 60 * 60)),
        log_format: LogFormat::Json,
    };
    assert_eq!(config, expected);
}

#[test]
fn variables_can_say_everything_and_win_over_the_file() {
    let variables = vec![
        ("TIDEGATE_DATA_DIR", "/variable"),
        ("TIDEGATE_LISTEN", "localhost:3, 127.0.0.1:4"),
        ("TIDEGATE_TLS_CERT", "c"),
        ("TIDEGATE_TLS_KEY", "k"),
        ("TIDEGATE_TLS_SELF_SIGNED", "false"),
        ("TIDEGATE_ALLOW_PLAINTEXT", "false"),
        ("TIDEGATE_BOOTSTRAP_MANAGEMENT_TOKEN_FILE", "t"),
        ("TIDEGATE_REVOCATION_BOUND", "7s"),
        ("TIDEGATE_RECOVERY_WINDOW", "36h"),
        ("TIDEGATE_QUERY_TIMEOUT", "8s"),
        ("TIDEGATE_QUERY_MEMORY", "9KiB"),
        ("TIDEGATE_METRICS_PUBLIC", "false"),
        ("TIDEGATE_PROFILE", "oss"),
        ("TIDEGATE_ALLOW_REMOTE_SETUP", "false"),
        ("TIDEGATE_SESSION_LIFETIME", "20m"),
        ("TIDEGATE_LOG_FORMAT", "text"),
    ];
    let config = Sources { variables, file: Some(EVERY_KEY), ..Sources::none() }.load().unwrap();
    let expected = Config {
        data_dir: "/variable".into(),
        listen: vec!["localhost:3".parse().unwrap(), "127.0.0.1:4".parse().unwrap()],
        tls: TlsSource::Files(TlsFiles { certificates: "c".into(), key: "k".into() }),
        allow_plaintext: false,
        bootstrap_management_token_file: Some("t".into()),
        revocation_bound: Duration::from_secs(7),
        recovery_window: Duration::from_secs(36 * 60 * 60),
        query_timeout: Some(Duration::from_secs(8)),
        query_memory: Some(9 << 10),
        metrics_public: false,
        profile: Profile::SelfHosted,
        allow_remote_setup: false,
        session_lifetime: Some(Duration::from_secs(20 * 60)),
        log_format: LogFormat::Text,
    };
    assert_eq!(config, expected);
}

#[test]
fn flags_win_over_variables_and_what_they_leave_open_falls_through() {
    let flags = Layer { data_dir: Some("/flag".into()), allow_plaintext: Some(false), ..Layer::default() };
    let variables = vec![("TIDEGATE_DATA_DIR", "/variable"), ("TIDEGATE_REVOCATION_BOUND", "7s")];
    let config = Sources { flags, variables, file: Some(EVERY_KEY) }.load().unwrap();
    assert_eq!(config.data_dir, Path::new("/flag"));
    assert!(!config.allow_plaintext);
    assert_eq!(config.revocation_bound, Duration::from_secs(7));
    assert_eq!(config.query_timeout, Some(Duration::from_secs(180)));
}

#[test]
fn an_empty_variable_is_not_set() {
    let variables = vec![("TIDEGATE_DATA_DIR", ""), ("TIDEGATE_LISTEN", ""), ("TIDEGATE_CONFIG", "")];
    assert_eq!(Sources { variables, ..Sources::none() }.load().unwrap(), Sources::none().load().unwrap());
}

#[test]
fn a_variable_can_name_the_file() {
    let variables = vec![("TIDEGATE_CONFIG", "/nowhere/tidegate.toml")];
    let error = Sources { variables, ..Sources::none() }.load().unwrap_err();
    assert!(error.to_string().contains("/nowhere/tidegate.toml"), "{error}");
}

#[test]
fn unknown_keys_and_bad_values_are_named() {
    let cases = [
        ("lisen = []", "lisen"),
        ("data_dir = '/x'", "data_dir"),
        ("[tls]\ncert = 'x'", "tls"),
        ("revocation-bound = 'soon'", "soon"),
        ("revocation-bound = 5", "5"),
        ("listen = 'localhost:1'", "listen"),
        ("listen = ['nonsense']", "nonsense"),
        ("log-format = 'xml'", "xml"),
        ("profile = 'dedicated'", "dedicated"),
        ("session-lifetime = '0s'", "0s"),
    ];
    for (file, name) in cases {
        let error = Sources { file: Some(file), ..Sources::none() }.load().unwrap_err();
        assert!(matches!(error, ConfigError::Invalid { .. }) && error.to_string().contains(name), "{file}: {error}");
    }
    for name in [
        "TIDEGATE_LISTEN",
        "TIDEGATE_ALLOW_PLAINTEXT",
        "TIDEGATE_QUERY_MEMORY",
        "TIDEGATE_PROFILE",
        "TIDEGATE_LOG_FORMAT",
    ] {
        let error = Sources { variables: vec![(name, "nonsense")], ..Sources::none() }.load().unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn half_of_tls_and_no_address_are_errors() {
    let flags = Layer { tls_cert: Some("c".into()), ..Layer::default() };
    assert!(matches!(Sources { flags, ..Sources::none() }.load(), Err(ConfigError::HalfOfTls)));
    assert!(matches!(Sources { file: Some("listen = []"), ..Sources::none() }.load(), Err(ConfigError::NoAddress)));
}

#[test]
fn a_certificate_is_made_or_given_but_not_both() {
    let made = || Layer { tls_self_signed: Some(true), ..Layer::default() };
    assert_eq!(Sources { flags: made(), ..Sources::none() }.load().unwrap().tls, TlsSource::SelfSigned);
    let both = Sources { flags: made(), file: Some(EVERY_KEY), ..Sources::none() };
    assert!(matches!(both.load(), Err(ConfigError::TwoCertificates)));
    let half = Sources { flags: made(), variables: vec![("TIDEGATE_TLS_KEY", "k")], file: None };
    assert!(matches!(half.load(), Err(ConfigError::TwoCertificates)));
}

#[test]
fn the_two_halves_of_tls_may_come_from_different_sources() {
    let flags = Layer { tls_cert: Some("c".into()), ..Layer::default() };
    let config = Sources { flags, variables: vec![("TIDEGATE_TLS_KEY", "k")], file: None }.load().unwrap();
    assert_eq!(config.tls, TlsSource::Files(TlsFiles { certificates: "c".into(), key: "k".into() }));
}
