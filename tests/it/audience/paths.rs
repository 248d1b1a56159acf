//! Inputs 47–51: files that change, and paths that are no files.

use std::fs;
use std::io::Write;

use fanfare::audience::{Audience, AudienceError, Input, PathProblem, Reading, Row, resolve};

use super::{fail, outcome, spec};

const LIST: &str = "phone,name\n5512345678,Ana\n5512345679,Bea\n";

#[test]
fn csv_47_file_grows_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    fs::write(&path, LIST).unwrap();
    let mut audience = Audience::open(Input::Path(path.clone()), &spec()).unwrap();
    let mut row = Row::default();
    assert_eq!(audience.next_row(&mut row).unwrap(), Some(Reading::Row));
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"5512345670,Cid\n").unwrap();
    let error = loop {
        match audience.next_row(&mut row) {
            Ok(reading) => assert!(reading.is_some(), "the end must not be reached"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AudienceError::Changed { path: changed } if changed == path));
    assert!(audience.digest().is_none());
    assert!(matches!(audience.next_row(&mut row), Err(AudienceError::AlreadyFailed)), "an error is not the end of the list");
}

#[test]
fn csv_48_file_replaced_after_validation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    fs::write(&path, LIST).unwrap();
    let validated = outcome(Input::Path(path.clone()), &spec()).unwrap().end.unwrap();
    let again = outcome(Input::Path(path.clone()), &spec()).unwrap().end.unwrap();
    assert_eq!(validated, again);
    let known = "2102a2d205ec5fdd795d03da1b9cd3642760464a263e18382935b0cf796ff1ea";
    assert_eq!(validated.to_string(), known, "as `sha256sum` prints it");
    fs::write(&path, LIST.replace("Bea", "Eva")).unwrap();
    let replaced = outcome(Input::Path(path), &spec()).unwrap().end.unwrap();
    assert_ne!(validated, replaced, "whoever compares the digests sees it");
}

#[test]
fn csv_49_file_deleted_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    fs::write(&path, LIST).unwrap();
    let mut audience = Audience::open(Input::Path(path.clone()), &spec()).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(audience.entries().map(Result::unwrap).count(), 2, "what is open stays readable");
    assert!(audience.digest().is_some());
    let (_, error) = fail(Input::Path(path), &spec());
    assert!(matches!(error, AudienceError::Open { .. }), "{error:?}");
}

#[cfg(unix)]
#[test]
fn csv_50_pipe_directory_device_or_link_loop() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &std::path::Path| match fail(Input::Path(path.to_owned()), &spec()).1 {
        AudienceError::NotAFile { kind, .. } => kind.to_owned(),
        AudienceError::Open { source, .. } => source.to_string(),
        other => panic!("{other:?}"),
    };
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(kind(&pipe), "pipe");
    assert_eq!(kind(folder.path()), "directory");
    assert_eq!(kind(std::path::Path::new("/dev/null")), "device");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    std::os::unix::fs::symlink(&one, &two).unwrap();
    std::os::unix::fs::symlink(&two, &one).unwrap();
    assert!(kind(&one).contains("symbolic links"), "{}", kind(&one));
}

#[test]
fn csv_51_path_out_of_the_folder_or_with_a_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    fs::create_dir_all(root.join("audiences")).unwrap();
    fs::write(root.join("audiences/list.csv"), LIST).unwrap();
    fs::write(folder.path().join("secret.csv"), LIST).unwrap();
    let real = root.canonicalize().unwrap().join("audiences/list.csv");
    assert_eq!(resolve(&root, "audiences/list.csv").unwrap(), real);
    assert_eq!(resolve(&root, "./audiences/../audiences/list.csv").unwrap(), real);
    assert_eq!(resolve(&root, real.to_str().unwrap()).unwrap(), real);
    let outside = |file: &str| matches!(resolve(&root, file), Err(PathProblem::Outside { .. }));
    assert!(outside("../secret.csv"));
    assert!(outside("audiences/../../secret.csv"));
    assert!(outside("../does-not-exist.csv"), "what exists outside is not told");
    assert!(outside(folder.path().join("secret.csv").to_str().unwrap()));
    assert!(outside("/etc/passwd"));
    assert!(matches!(resolve(&root, "audiences/li\nst.csv"), Err(PathProblem::ControlCharacter)));
    assert!(matches!(resolve(&root, "list\0.csv"), Err(PathProblem::ControlCharacter)));
    assert!(matches!(resolve(&root, ""), Err(PathProblem::Empty)));
    assert!(matches!(resolve(&root, "audiences/none.csv"), Err(PathProblem::NotFound { .. })));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("secret.csv"), root.join("audiences/link.csv")).unwrap();
        assert!(outside("audiences/link.csv"), "a link out is a way out");
    }
}
