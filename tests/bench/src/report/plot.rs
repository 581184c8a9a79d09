//! The results as one picture: a panel of bars for each case, then a panel of
//! lines for each curve.

use super::{
    Results,
    bars::{self, Bar},
    lines,
    svg::{Anchor, Svg},
};
use crate::suite::{Case, Curve, Role, Subject};

/// A rectangle of the picture.
#[derive(Clone, Copy)]
pub struct Panel {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

const COLUMNS: usize = 2;
const WIDTH: f64 = 520.0;
const BARS_HEIGHT: f64 = 250.0;
const LINES_HEIGHT: f64 = 240.0;
const GAP: f64 = 24.0;
const LEGEND: f64 = 30.0;

pub fn colour(role: Role) -> &'static str {
    match role {
        Role::Floor => "#8c959f",
        Role::Ours => "#0969da",
        Role::ExactPeer => "#bc4c00",
        Role::Peer => "#d4a72c",
    }
}

pub fn render(results: &Results<'_>) -> String {
    let cases: Vec<Case> = Case::COMPARED.into_iter().chain([Case::Timed]).collect();
    let bar_rows = cases.len().div_ceil(COLUMNS) as f64;
    let line_rows = Curve::ALL.len().div_ceil(COLUMNS) as f64;
    let bars_end = LEGEND + GAP + bar_rows * (BARS_HEIGHT + GAP);
    let mut svg = Svg::new(
        COLUMNS as f64 * (WIDTH + GAP) + GAP,
        bars_end + line_rows * (LINES_HEIGHT + GAP),
    );
    legend(&mut svg);
    let bars: Vec<Vec<Bar>> = cases.iter().map(|case| bars(results, *case)).collect();
    for (index, (case, bars)) in cases.iter().zip(&bars).enumerate() {
        let panel = panel(index, LEGEND + GAP, BARS_HEIGHT);
        bars::draw(&mut svg, panel, case.title(), bars);
    }
    for (index, curve) in Curve::ALL.into_iter().enumerate() {
        let panel = panel(index, bars_end, LINES_HEIGHT);
        lines::draw(&mut svg, panel, curve.title(), &results.curve(curve));
    }
    svg.finish()
}

fn legend(svg: &mut Svg) {
    let roles = [
        (Role::Floor, "no breaker"),
        (Role::Ours, "fluxgate"),
        (Role::ExactPeer, "keeps exactly the last 100 calls"),
        (Role::Peer, "does not"),
    ];
    let mut x = GAP;
    for (role, text) in roles {
        svg.rect((x, GAP - 10.0), (12.0, 12.0), colour(role));
        svg.text((x + 18.0, GAP), Anchor::Start, "", text);
        x += 40.0 + 6.5 * text.len() as f64;
    }
}

fn panel(index: usize, top: f64, height: f64) -> Panel {
    let (row, column) = (index / COLUMNS, index % COLUMNS);
    Panel {
        x: GAP + column as f64 * (WIDTH + GAP),
        y: top + row as f64 * (height + GAP),
        width: WIDTH,
        height,
    }
}

fn bars(results: &Results<'_>, case: Case) -> Vec<Bar> {
    let bar = |(subject, times): (Subject, _)| Bar { subject, times };
    let mut bars: Vec<Bar> = results.of(case).map(bar).collect();
    bars.sort_by(|one, other| one.times.median.total_cmp(&other.times.median));
    bars
}
