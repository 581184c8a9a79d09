fluxgate::breaker! {
    static SHARED = { tracker = All, window = CountWindow(0) };
}

fn main() {
    SHARED.reset();
}
