#!/usr/bin/env python3
"""What a protected function costs to build: compiler time and code.

Half of the functions are async, their bodies are small. A program of 300 is built
and one of 20, for what the 280 cost; the same without a breaker is subtracted. Time is that of all the compiler's threads, and the best of three
runs; code is the size of the stripped program.

    tests/bench/annotated-functions.py [way ...]
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile

MANY, FEW = 300, 20
RUNS = 3
FLUXGATE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../fluxgate"))

SYNC = "if x == {i} {{ Err(io::Error::other(\"no {i}\")) }} else {{ Ok(x ^ {i}) }}"
ASYNC = "std::future::ready(()).await; " + SYNC

HAND_SYNC = """fn f{i}(x: u32) -> io::Result<u32> {{
    static BREAKER: LazyLock<{breaker}> = LazyLock::new(|| {make});
    match BREAKER.call(|| {{ {body} }}) {{
        Ok(x) => Ok(x),
        Err({krate}::Error::Inner(error)) => Err(error),
        Err({krate}::Error::Rejected) => Err(io::Error::other("open")),
    }}
}}"""
HAND_ASYNC = """async fn f{i}(x: u32) -> io::Result<u32> {{
    static BREAKER: LazyLock<{breaker}> = LazyLock::new(|| {make});
    match BREAKER.{call}(async {{ {body} }}).await {{
        Ok(x) => Ok(x),
        Err({krate}::Error::Inner(error)) => Err(error),
        Err({krate}::Error::Rejected) => Err(io::Error::other("open")),
    }}
}}"""
PLAIN = "{attribute}{keyword}fn f{i}(x: u32) -> io::Result<u32> {{ {body} }}"


def plain(attribute):
    def function(i):
        keyword, body = ("async ", ASYNC) if i % 2 else ("", SYNC)
        return PLAIN.format(
            i=i,
            attribute=attribute and attribute + "\n",
            keyword=keyword,
            body=body.format(i=i),
        )

    return function


def recloser(i):
    make = "recloser::Recloser::custom().error_rate(0.5).closed_len(100).build()"
    kind = "recloser::Recloser"
    if i % 2:
        return HAND_ASYNC.format(
            i=i, breaker="recloser::AsyncRecloser", krate="recloser", call="call",
            make=f"recloser::AsyncRecloser::from({make})", body=ASYNC.format(i=i),
        )
    return HAND_SYNC.format(
        i=i, breaker=kind, krate="recloser", make=make, body=SYNC.format(i=i)
    )


WAYS = {
    "no breaker": ("", "", plain("")),
    "fluxgate, the attribute": (
        f'fluxgate = {{ path = "{FLUXGATE}" }}',
        "use fluxgate::circuit_breaker;",
        plain(
            '#[circuit_breaker(tripper = "MinRequests(20) & FailureRate(0.5)", '
            'retry = "Cooldown(60s)")]'
        ),
    ),
    "recloser, by hand": (
        'recloser = "=1.4.0"',
        "use std::sync::LazyLock;",
        recloser,
    ),
    "tracing::instrument": (
        'tracing = "0.1"',
        "use tracing::instrument;",
        plain("#[instrument]"),
    ),
}


def program(imports, function, count):
    functions = "\n".join(function(i) for i in range(count))
    sync = ", ".join(f"f{i}" for i in range(0, count, 2))
    awaited = "\n".join(
        f"    sum += run(f{i}(x)).unwrap_or(0);" for i in range(1, count, 2)
    )
    return f"""use std::{{future::Future, io, pin::Pin, task::{{Context, Poll, Waker}}}};
{imports}
{functions}
fn run(mut future: impl Future<Output = io::Result<u32>>) -> io::Result<u32> {{
    // SAFETY: it is not moved any more.
    let future = unsafe {{ Pin::new_unchecked(&mut future) }};
    poll(future)
}}
#[inline(never)]
fn poll(future: Pin<&mut dyn Future<Output = io::Result<u32>>>) -> io::Result<u32> {{
    match future.poll(&mut Context::from_waker(Waker::noop())) {{
        Poll::Ready(result) => result,
        Poll::Pending => Ok(0),
    }}
}}
fn main() {{
    let x = std::env::args().count() as u32;
    let functions: [fn(u32) -> io::Result<u32>; {(count + 1) // 2}] = [{sync}];
    let mut sum = 0u32;
    for function in functions {{
        sum ^= function(x).unwrap_or(0);
    }}
{awaited.replace("+=", "^=")}
    println!("{{sum}}");
}}
"""


def cargo(directory, *arguments):
    subprocess.run(
        ["cargo", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL
    )


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(directory, *arguments):
    """The least processor time of a build of the program alone."""
    cargo(directory, *arguments)
    best = float("inf")
    for _ in range(RUNS):
        os.utime(os.path.join(directory, "src/main.rs"))
        before = processor_time()
        cargo(directory, *arguments)
        best = min(best, processor_time() - before)
    return best


def measure(root, dependency, imports, function):
    """Compiler time of a release build and of a check, and code, per function."""
    directory = os.path.join(root, "annotated")
    shutil.rmtree(os.path.join(directory, "src"), ignore_errors=True)
    os.makedirs(os.path.join(directory, "src"))
    with open(os.path.join(directory, "Cargo.toml"), "w") as file:
        file.write(
            '[package]\nname = "annotated"\nversion = "0.0.0"\nedition = "2024"\n'
            f"[dependencies]\n{dependency}\n[profile.release]\nstrip = true\n[workspace]\n"
        )
    figures = []
    for count in (FEW, MANY):
        with open(os.path.join(directory, "src/main.rs"), "w") as file:
            file.write(program(imports, function, count))
        built = measured(directory, "build", "-q", "--release")
        size = os.path.getsize(os.path.join(directory, "target/release/annotated"))
        checked = measured(directory, "check", "-q")
        figures.append((built, checked, size))
    few, many = figures
    return [(m - f) / (MANY - FEW) for f, m in zip(few, many)]


def main():
    wanted = sys.argv[1:] or list(WAYS)
    unknown = [way for way in wanted if way not in WAYS]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; there are: {', '.join(WAYS)}")
    print("| a function | compiled, ms | code, kB | checked, ms |")
    print("|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as root:
        base = measure(root, *WAYS["no breaker"])
        for way in wanted:
            if way == "no breaker":
                built, checked, size = base
            else:
                got = measure(root, *WAYS[way])
                built, checked, size = (g - b for g, b in zip(got, base))
            print(
                f"| {way} | {built * 1000:.1f} | {size / 1000:.2f} | {checked * 1000:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
