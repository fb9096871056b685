//! Showing a page to the person at this machine.

use std::process::{Command, Stdio};

use crate::io::Environment;

/// Opens a browser if there is a display. The address is printed as well, so nothing depends on success.
pub(super) fn open(environment: &Environment, address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| environment.variable(name).is_some());
    if !(has_display || cfg!(target_os = "macos")) {
        return;
    }
    let _ = Command::new(program).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}
