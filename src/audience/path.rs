//! Which paths are followed and what stands at their end: regular files in the campaign's folder.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::AudienceError;

/// Why a path of a campaign file is not followed.
#[derive(Debug, thiserror::Error)]
pub enum PathProblem {
    /// Nothing was given.
    #[error("the path is empty: name a file")]
    Empty,
    /// A line break or another control character.
    #[error("the path holds a control character, such as a line break: rename the file")]
    ControlCharacter,
    /// It leads out of the folder the campaign may read.
    #[error("`{file}` leads out of {}: only files in that folder are read", root.display())]
    Outside {
        /// The path as given.
        file: String,
        /// The folder.
        root: PathBuf,
    },
    /// It, or the folder, cannot be found.
    #[error("cannot find `{file}` in {}", root.display())]
    NotFound {
        /// The path as given.
        file: String,
        /// The folder.
        root: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The real path of `file`, which must lie in `root` (the campaign's folder) after `..` and symbolic links are followed.
///
/// A relative path is taken from `root`. The file must exist.
pub fn resolve(root: &Path, file: &str) -> Result<PathBuf, PathProblem> {
    if file.is_empty() {
        return Err(PathProblem::Empty);
    }
    if file.chars().any(char::is_control) {
        return Err(PathProblem::ControlCharacter);
    }
    let outside = || PathProblem::Outside { file: file.to_owned(), root: root.to_owned() };
    let not_found = |source| PathProblem::NotFound { file: file.to_owned(), root: root.to_owned(), source };
    // A path that climbs above the root is refused before the disk is asked: the answer must not tell what exists out there.
    let mut depth = 0_i64;
    for part in Path::new(file).components() {
        depth += match part {
            Component::Normal(_) => 1,
            Component::ParentDir => -1,
            Component::CurDir | Component::RootDir | Component::Prefix(_) => 0,
        };
        if depth < 0 {
            return Err(outside());
        }
    }
    let real_root = root.canonicalize().map_err(not_found)?;
    if Path::new(file).is_absolute() && !Path::new(file).starts_with(&real_root) && !Path::new(file).starts_with(root) {
        return Err(outside());
    }
    let real = real_root.join(file).canonicalize().map_err(not_found)?;
    if real.starts_with(&real_root) { Ok(real) } else { Err(outside()) }
}

/// Opens a regular file and says when it was last changed.
pub(super) fn open_file(path: &Path) -> Result<(File, Option<SystemTime>), AudienceError> {
    let cannot = |source| AudienceError::Open { path: path.to_owned(), source };
    // Asked before opening: to open a pipe without a writer would wait for ever.
    let kind = fs::metadata(path).map_err(cannot)?.file_type();
    if !kind.is_file() {
        return Err(AudienceError::NotAFile { path: path.to_owned(), kind: kind_name(kind) });
    }
    let handle = File::open(path).map_err(cannot)?;
    let metadata = handle.metadata().map_err(cannot)?;
    Ok((handle, metadata.modified().ok()))
}

#[cfg(unix)]
fn kind_name(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

#[cfg(not(unix))]
fn kind_name(kind: fs::FileType) -> &'static str {
    if kind.is_dir() { "directory" } else { "device" }
}
