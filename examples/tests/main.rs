//! The examples that are programs, run as processes.

mod incident;
#[cfg(unix)]
mod settings;
mod simulate;

use std::{
    env,
    path::PathBuf,
    process::{Child, Command},
};

/// Returns an example of this package. `cargo test` builds all of them before its tests.
fn example(name: &str) -> Command {
    let test = env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("two folders above");
    let path: PathBuf = profile.join("examples").join(name);
    let path = path.with_extension(env::consts::EXE_EXTENSION);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --example {name}`",
        path.display()
    );
    Command::new(path)
}

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
