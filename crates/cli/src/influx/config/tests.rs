use super::*;

fn configs(names: &[&str]) -> Configs {
    let all = names.iter().map(|name| ((*name).to_owned(), Config::new("http://x"))).collect();
    Configs { path: "/nowhere".into(), all }
}

#[test]
fn switching_there_and_back() {
    let mut configs = configs(&["a", "b", "c"]);
    configs.switch("b").unwrap();
    configs.switch("c").unwrap();
    assert!(configs.all["c"].is_active && configs.all["b"].was_active);
    assert_eq!(configs.switch_back().unwrap(), "b");
    assert_eq!(configs.active().0, "b");
    assert!(configs.all["c"].was_active && !configs.all["b"].was_active);
    assert_eq!(configs.switch("d").unwrap_err().to_string(), "config \"d\" is not found");
    assert_eq!(configs.active().0, "b");
}

#[test]
fn switching_to_the_active_one_forgets_the_previous() {
    let mut configs = configs(&["a", "b"]);
    configs.switch("a").unwrap();
    configs.switch("b").unwrap();
    configs.switch("b").unwrap();
    assert_eq!(configs.switch_back().unwrap_err().to_string(), "previous  activated config is not found");
}

#[test]
fn without_an_active_config_any_is_used_and_without_any_the_default() {
    assert_eq!(configs(&["a"]).active().0, "a");
    let (name, config) = configs(&[]).active();
    assert_eq!((name.as_str(), config.url.as_str(), config.is_active), ("default", "http://localhost:8086", true));
}

#[test]
fn removing_the_active_config_activates_another() {
    let mut configs = configs(&["a", "b"]);
    configs.switch("b").unwrap();
    assert!(configs.remove("b").unwrap().is_active);
    assert!(configs.all["a"].is_active);
    assert!(configs.remove("b").is_none());
    configs.remove("a").unwrap();
    assert!(configs.all.is_empty());
}

#[test]
fn some_names_are_refused() {
    let mut configs = configs(&["a"]);
    for name in ["-", "list", "update", "set", "delete", "switch", "create"] {
        let reason = configs.add(name, Config::new("http://x")).unwrap_err().to_string();
        assert_eq!(reason, format!("{name:?} is not a valid config name"));
    }
    let reason = configs.add("a", Config::new("http://x")).unwrap_err().to_string();
    assert_eq!(reason, "config \"a\" already exists");
}

#[test]
fn token_and_login_exclude_each_other() {
    let mut config = Config::new("http://x");
    config.set_token("t");
    config.set_login("ada:pass:word");
    assert_eq!(config.token.expose(), "");
    let (user, password) = config.login().unwrap().unwrap();
    assert_eq!((user.as_str(), password.unwrap().expose()), ("ada", "pass:word"));
    config.set_login("ada");
    assert!(config.login().unwrap().unwrap().1.is_none());
    config.set_token("t");
    assert!(config.login().unwrap().is_none());
    config.cookie = PlainToken::from_presented("***");
    assert!(config.login().is_err());
}

#[test]
fn a_config_does_not_print_its_secrets() {
    let mut config = Config::new("http://x");
    config.set_token("hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}
