//! Showing a page to the person at this machine.

use std::process::{Command, Stdio};

use crate::io::Environment;

/// Opens a browser if there is a display. The address is printed as well, so nothing depends on success.
pub(super) fn open(environment: &Environment, address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if !has_display(environment) {
        return;
    }
    let _ = Command::new(program).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}

fn has_display(environment: &Environment) -> bool {
    cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| environment.variable(name).is_some())
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_told_by_its_variable() {
        let mut environment = Environment::default();
        assert!(!has_display(&environment));
        environment.variables.insert("DISPLAY".into(), "".into());
        assert!(!has_display(&environment));
        environment.variables.insert("WAYLAND_DISPLAY".into(), "wayland-0".into());
        assert!(has_display(&environment));
    }
}
