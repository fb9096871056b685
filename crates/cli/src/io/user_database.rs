//! Where the user database says that this user is at home.

use std::path::PathBuf;

/// From `/etc/passwd`. Users that another directory service knows are not found here.
pub(crate) fn home() -> Option<PathBuf> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    home_of(rustix::process::getuid().as_raw(), &users)
}

fn home_of(user: u32, users: &str) -> Option<PathBuf> {
    let user = user.to_string();
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let home =
        fields.filter(|fields| fields.get(2) == Some(&user.as_str())).find_map(|fields| fields.get(5).copied())?;
    (!home.is_empty()).then(|| home.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# comment\nada:x:1000:1000:,,,:/home/ada:/bin/sh\nbot:x:7:7:::\n";
        assert_eq!(home_of(1000, users), Some("/home/ada".into()));
        assert_eq!(home_of(7, users), None);
        assert_eq!(home_of(10, users), None);
    }
}
