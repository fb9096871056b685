//! Names and exit statuses.

/// Under which name the tree is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// This program's own name: finds the credentials of a server in the current directory.
    Tidegate,
    /// The name that existing scripts use: every error exits with 1.
    Influxctl,
}

impl Face {
    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tidegate => "tidegate",
            Self::Influxctl => "influxctl",
        }
    }

    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Tidegate => env!("CARGO_PKG_VERSION"),
            // The version whose commands and output this tree follows.
            Self::Influxctl => "2.12.0",
        }
    }
}

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus(pub u8);

impl ExitStatus {
    /// All went well.
    pub const SUCCESS: Self = Self(0);
    /// Something failed; standard error says what.
    pub const FAILURE: Self = Self(1);
    /// Stopped by an interrupt signal.
    pub const INTERRUPTED: Self = Self(130);
}
