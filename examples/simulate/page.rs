//! The nine pictures, and a page that shows them with a table.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use fluxgate::sim::{Run, Scenario};

use crate::{Failure, progress::Progress, ready, write};

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Nine scenarios</title>\
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;\
max-width:960px;margin:2em auto;padding:0 1em}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.3em .6em;text-align:right;border-bottom:1px solid #8884}\
th:first-child{text-align:left;white-space:nowrap}img{width:100%}</style>";

/// Writes a picture of each ready scenario, and the page.
pub(crate) fn write_all(
    out: &Path,
    run: impl Fn(&Scenario, &mut dyn FnMut(f64)) -> Result<Run, Failure>,
) -> Result<(), Failure> {
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut rows = String::new();
    let mut pictures = String::new();
    let mut progress = Progress::new();
    for (number, name) in Scenario::READY.into_iter().enumerate() {
        let share = |done: f64| (number as f64 + done) / Scenario::READY.len() as f64;
        let run = run(&ready(name)?, &mut |done| progress.show(share(done), name))?;
        write(&out.join(format!("{name}.svg")), &run.svg())?;
        let time = |time: Option<Duration>| {
            time.map_or("–".to_owned(), |time| {
                format!("{:.2} s", time.as_secs_f64())
            })
        };
        let total = run.total();
        let _ = writeln!(
            rows,
            "<tr><th><a href=\"#{name}\">{name}</a></th><td>{}</td><td>{}</td><td>{:.1}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{:.1} %</td></tr>",
            time(run.opened_after()),
            time(run.closed_after()),
            run.goodput(),
            total.reached_while_down,
            total.refused,
            run.wrongly_refused(),
            100.0 * run.open_share(),
        );
        let _ = writeln!(
            pictures,
            "<h2 id=\"{name}\">{name}</h2><img src=\"{name}.svg\" alt=\"{run}\">"
        );
    }
    drop(progress);
    let page = format!(
        "{HEAD}<h1>Nine scenarios</h1><table><tr><th>scenario</th><th>opened after</th>\
         <th>closed after</th><th>answered/s</th><th>reached it while down</th><th>refused</th>\
         <th>refused wrongly</th><th>time open</th></tr>\n{rows}</table>\n{pictures}</html>\n"
    );
    write(&out.join("index.html"), &page)
}
