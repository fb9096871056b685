//! A disk that loses power: `tests/powerloss/shim.c` notes what has been synced, and this puts exactly that back.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Compiles the shim once in a test run.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/powerloss/shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("powerloss-{}.so", std::process::id()));
        let output = Command::new("cc")
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .arg(&source)
            .output()
            .expect("a C compiler named cc is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        library
    })
}

/// A directory whose content is as durable as the program that uses it has made it.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    shadow: PathBuf,
    _directory: tempfile::TempDir,
}

impl Disk {
    /// Makes an empty disk in a temporary directory.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        let disk = Self { root: path.join("disk"), shadow: path.join("shadow"), _directory: directory };
        fs::create_dir(&disk.root).unwrap();
        disk.settle();
        disk
    }

    /// Where its files are.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The environment in which a program must run to be watched.
    pub(crate) fn environment(&self) -> [(String, String); 3] {
        let value = |path: &Path| path.to_str().unwrap().to_owned();
        [
            ("LD_PRELOAD".to_owned(), value(shim())),
            ("TIDEGATE_POWERLOSS_ROOT".to_owned(), value(&self.root)),
            ("TIDEGATE_POWERLOSS_SHADOW".to_owned(), value(&self.shadow)),
        ]
    }

    /// Takes away everything that was not synced. No watched program may be running.
    pub(crate) fn lose_power(&self) {
        let restored = self.root.with_file_name("restored");
        fs::create_dir(&restored).unwrap();
        self.restore(inode(&self.root), &restored);
        fs::remove_dir_all(&self.root).unwrap();
        fs::rename(&restored, &self.root).unwrap();
        self.settle();
    }

    /// Declares all that is there to be durable.
    fn settle(&self) {
        if self.shadow.exists() {
            fs::remove_dir_all(&self.shadow).unwrap();
        }
        fs::create_dir_all(self.shadow.join("files")).unwrap();
        fs::create_dir_all(self.shadow.join("dirs")).unwrap();
        self.settle_directory(&self.root);
    }

    fn settle_directory(&self, directory: &Path) {
        let mut list = String::new();
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let kind = if path.is_dir() { 'd' } else { 'f' };
            list += &format!("{kind} {} {name}\0", inode(&path));
            if path.is_dir() {
                self.settle_directory(&path);
            } else {
                fs::copy(&path, self.shadow_of_file(inode(&path))).unwrap();
            }
        }
        fs::write(self.shadow_of_directory(inode(directory)), list).unwrap();
    }

    /// Rebuilds a directory from its durable entries; without any record of it, it is empty.
    fn restore(&self, directory: u64, target: &Path) {
        let Ok(list) = fs::read_to_string(self.shadow_of_directory(directory)) else { return };
        for entry in list.split_terminator('\0') {
            let (kind, rest) = entry.split_once(' ').unwrap();
            let (inode, name) = rest.split_once(' ').unwrap();
            let (inode, path) = (inode.parse().unwrap(), target.join(name));
            if kind == "d" {
                fs::create_dir(&path).unwrap();
                self.restore(inode, &path);
            } else if self.shadow_of_file(inode).exists() {
                fs::copy(self.shadow_of_file(inode), &path).unwrap();
            } else {
                fs::write(&path, "").unwrap();
            }
        }
    }

    fn shadow_of_file(&self, inode: u64) -> PathBuf {
        self.shadow.join("files").join(inode.to_string())
    }

    fn shadow_of_directory(&self, inode: u64) -> PathBuf {
        self.shadow.join("dirs").join(inode.to_string())
    }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}
