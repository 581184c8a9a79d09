//! The attribute on methods, on the methods of a trait, and on generic functions.
//!
//! ```sh
//! cargo run --example methods_and_traits
//! ```

use std::{fmt::Display, io};

use fluxgate::{State, circuit_breaker};

trait Warehouse {
    fn stock(&self, item: u32) -> io::Result<u32>;
}

struct Remote {
    up: bool,
}

impl Warehouse for Remote {
    /// In the implementation, where the body is.
    #[circuit_breaker(name = "warehouse", tripper = "FailureStreak(3)")]
    fn stock(&self, item: u32) -> io::Result<u32> {
        if self.up {
            Ok(item)
        } else {
            Err(io::Error::other("the warehouse is down"))
        }
    }
}

impl Remote {
    /// `handle` gives a function beside this one that reaches its breaker.
    #[circuit_breaker(handle = order_breaker)]
    async fn order(&mut self, item: impl Display) -> io::Result<String> {
        Ok(format!("ordered {item}"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut healthy = Remote { up: true };
    let broken = Remote { up: false };
    println!(
        "{} left, {}",
        healthy.stock(7)?,
        healthy.order("a chair").await?
    );
    println!("orders: {}", Remote::order_breaker().state());

    // One breaker for each method definition: all instances share it. For one
    // per instance or host see the example `keys`.
    for _ in 0..3 {
        println!("{}", broken.stock(7).expect_err("down"));
    }
    println!("{}", healthy.stock(7).expect_err("rejected"));
    let warehouse = fluxgate::registry::find("warehouse").expect("built at its first call");
    assert_eq!(warehouse.state(), State::Open);
    Ok(())
}
