fluxgate::breaker! {
    static TENANTS = { max_keys = 100 };
}

fn main() {}
