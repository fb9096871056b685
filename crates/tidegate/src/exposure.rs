//! Who beside its owner can reach a file or change a directory.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

const ROOT: u32 = 0;
const GROUP: u32 = 0o070;
const GROUP_READS: u32 = 0o040;
const OTHERS: u32 = 0o007;
const OTHERS_WRITE: u32 = 0o022;

/// Who beside its owner can use a secret in this file. A file of root that a group may only read is meant for those who
/// need it, as Debian's `ssl-cert` does it, and counts as private.
pub(crate) fn of_secret(file: &Metadata) -> Option<&'static str> {
    secret_open_to(file.uid(), file.mode())
}

fn secret_open_to(owner: u32, mode: u32) -> Option<&'static str> {
    if mode & OTHERS != 0 {
        return Some("every user of this machine");
    }
    let group = mode & GROUP;
    let shared_by_root = owner == ROOT && group == GROUP_READS;
    (group != 0 && !shared_by_root).then_some("the file's group")
}

/// Whether somebody else than `user` owns this directory or can change what is in it.
pub(crate) fn is_of_others(directory: &Metadata, user: u32) -> bool {
    directory_is_of_others(directory.uid(), directory.mode(), user)
}

fn directory_is_of_others(owner: u32, mode: u32, user: u32) -> bool {
    owner != user || mode & OTHERS_WRITE != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_or_a_group_chosen_by_root() {
        let everybody = Some("every user of this machine");
        let group = Some("the file's group");
        for (owner, mode, expected) in [
            (1000, 0o100600, None),
            (1000, 0o100400, None),
            (1000, 0o100640, group),
            (1000, 0o100660, group),
            (1000, 0o100644, everybody),
            (1000, 0o100601, everybody),
            (ROOT, 0o100640, None),
            (ROOT, 0o100660, group),
            (ROOT, 0o100650, group),
            (ROOT, 0o100644, everybody),
        ] {
            assert_eq!(secret_open_to(owner, mode), expected, "{owner} {mode:o}");
        }
    }

    #[test]
    fn a_directory_is_ones_own_if_nobody_else_writes_there() {
        for (owner, mode, expected) in [
            (1000, 0o040700, false),
            (1000, 0o040755, false),
            (1000, 0o040775, true),
            (1000, 0o040757, true),
            (1000, 0o041777, true),
            (1001, 0o040700, true),
            (ROOT, 0o040755, true),
        ] {
            assert_eq!(directory_is_of_others(owner, mode, 1000), expected, "{owner} {mode:o}");
        }
    }
}
