//! Tries the rows of `tests/guarantees/field_bugs.rs` that can be tried on any
//! breaker on the Rust breakers there are, and prints a table of what happened:
//!
//! ```sh
//! cargo run --manifest-path tests/peers/Cargo.toml > tests/peers/TABLE.md
//! ```
//!
//! The peers have no clock to drive, so this waits for real.

mod peers;
mod rows;

use std::{panic, thread, time::Duration};

use peers::Maker;
use rows::{ROWS, Verdict};

/// The wait of every breaker here.
const WAIT: Duration = Duration::from_millis(40);
/// What becomes of a row that takes this long.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let makers = peers::all();
    println!(
        "What `cargo run --manifest-path tests/peers/Cargo.toml` printed. A breaker that lets"
    );
    println!("everybody in while half-open is not blocked by a probe, either; – is where the");
    println!("fault would not show.\n");
    print!("| |");
    for (name, _) in makers {
        print!(" {name} |");
    }
    print!("\n|---|");
    print!("{}", "---|".repeat(makers.len()));
    println!();
    for row in ROWS {
        print!("| {} |", row.promise);
        for (_, make) in makers {
            print!(" {} |", word(try_out(row.check, *make)));
        }
        println!();
    }
}

/// On a thread of its own, so that a breaker that hangs is seen to hang.
fn try_out(check: rows::Check, make: Maker) -> Option<Verdict> {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || sender.send(check(make)));
    receiver.recv_timeout(PATIENCE).ok()
}

fn word(verdict: Option<Verdict>) -> String {
    match verdict {
        Some(Verdict::Holds) => "yes".into(),
        Some(Verdict::Fails(how)) => format!("**no**{how}"),
        Some(Verdict::Unclear) => "–".into(),
        None => "**hangs or panics**".into(),
    }
}
