//! What a person sees on standard output when the server is ready.

use std::borrow::Cow;
use std::path::Path;

/// What the screen tells.
#[derive(Debug)]
pub(crate) struct Welcome<'a> {
    /// Name or path by which this program can be called.
    pub(crate) program: &'a str,
    pub(crate) url: &'a str,
    pub(crate) data_dir: &'a Path,
    pub(crate) credentials: &'a Path,
    pub(crate) start: Start<'a>,
}

/// Which start this is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The first one; the management token is in the credentials file.
    First,
    /// The first one; the operator has put the management token into this file.
    FirstWithTokenFrom(&'a Path),
    /// A later one.
    Later,
}

impl Welcome<'_> {
    /// The whole screen.
    pub(crate) fn screen(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let Self { url, data_dir, credentials, .. } = self;
        let (data_dir, credentials) = (data_dir.display(), credentials.display());
        let place = format!(
            "Tidegate {version} is ready at {url}\n\n  Data         {data_dir}\n  Credentials  {credentials}\n"
        );
        let token = match self.start {
            Start::Later => return place,
            Start::First => {
                "\nThe credentials hold the management token. It is stored nowhere else: keep it.\n".to_owned()
            }
            Start::FirstWithTokenFrom(file) => {
                // The other terminal may be in another directory.
                let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
                let file = quoted(&file);
                format!(
                    "\nGive the management token to the commands below:\n\n  export INFLUXCTL_MGMT_TOKEN=\"$(cat {file})\"\n"
                )
            }
        };
        let commands: String = self.commands().iter().map(|command| format!("  {command}\n")).collect();
        let v2 = format!("For influx and the v2 API: {} setup --help", quoted(self.program));
        format!("{place}{token}\nTry it in another terminal:\n\n{commands}\n{v2}\nStop the server with Ctrl-C.\n")
    }

    /// Make a database, make a token, write, read, revoke the token.
    fn commands(&self) -> [String; 5] {
        let tidegate = format!("{} --config {}", quoted(self.program), quoted(self.credentials));
        let access = "--read-database plant --write-database plant";
        let find_id = format!("{tidegate} token list | awk '/first-token/ {{print $2}}'");
        [
            format!("{tidegate} database create plant"),
            format!("TOKEN=\"$({tidegate} token create {access} first-token | tee -a /dev/stderr | tail -n 1)\""),
            // Through a pipe, for others can see the arguments of a program.
            format!("echo \"$TOKEN\" | {tidegate} write --database plant --token-file - 'press,line=L1 bar=4.5'"),
            format!("echo \"$TOKEN\" | {tidegate} query --database plant --token-file - 'SELECT * FROM press'"),
            format!("{tidegate} token revoke $({find_id})"),
        ]
    }
}

/// A word as a shell reads it.
fn quoted<T: AsRef<Path> + ?Sized>(word: &T) -> Cow<'_, str> {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '@' | '%');
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(data_dir: &str, start: Start<'_>) -> String {
        let (data_dir, credentials) = (Path::new(data_dir), Path::new(data_dir).join("credentials.toml"));
        let welcome =
            Welcome { program: "tidegate", url: "http://localhost:8181", data_dir, credentials: &credentials, start };
        welcome.screen()
    }

    #[test]
    fn the_first_screen_has_five_commands_that_name_the_credentials() {
        let screen = screen("/srv/tide", Start::First);
        assert!(screen.contains("ready at http://localhost:8181"), "{screen}");
        let commands = screen.lines().filter(|line| line.contains("tidegate --config /srv/tide/credentials.toml "));
        assert_eq!(commands.count(), 5, "{screen}");
        for words in ["database create", "token create", "write --database", "query --database", "token revoke"] {
            assert!(screen.contains(words), "{words}\n{screen}");
        }
        assert!(screen.contains("\nFor influx and the v2 API: tidegate setup --help\n"), "{screen}");
        assert!(screen.lines().count() <= 24, "it must fit a terminal:\n{screen}");
    }

    #[test]
    fn later_screens_are_short() {
        let screen = screen("/srv/tide", Start::Later);
        assert!(screen.contains("/srv/tide/credentials.toml") && !screen.contains("--config"), "{screen}");
        assert!(screen.lines().count() <= 5, "{screen}");
    }

    #[test]
    fn a_token_of_the_operator_is_taken_from_its_file() {
        let screen = screen("/srv/tide", Start::FirstWithTokenFrom(Path::new("/run/my token")));
        assert!(screen.contains(r#"export INFLUXCTL_MGMT_TOKEN="$(cat '/run/my token')""#), "{screen}");
        assert!(screen.lines().count() <= 24, "it must fit a terminal:\n{screen}");
    }

    #[test]
    fn paths_are_quoted_when_a_shell_would_misread_them() {
        for (word, shown) in [
            ("/srv/tide-1/a.toml", "/srv/tide-1/a.toml"),
            ("/my data", "'/my data'"),
            ("~x", "'~x'"),
            ("$(x)", "'$(x)'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), shown);
        }
        assert!(screen("/my data", Start::First).contains("--config '/my data/credentials.toml' write"));
    }
}
