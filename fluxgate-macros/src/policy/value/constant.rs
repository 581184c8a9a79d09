//! Constants: expressions that the compiler can evaluate, by their syntax. What it can't is
//! evaluated when the breaker is built, and checked there.

use syn::{Block, Expr, Stmt, UnOp};

/// Returns whether an expression is written like a constant: of literals, names in upper
/// case, operators and conditions.
pub(crate) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) | Expr::Const(_) => true,
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            !name.contains(char::is_lowercase)
        }),
        Expr::Macro(of) => of.mac.path.is_ident("cfg"),
        Expr::Unary(unary) => !matches!(unary.op, UnOp::Deref(_)) && is_constant(&unary.expr),
        Expr::Binary(binary) => is_constant(&binary.left) && is_constant(&binary.right),
        Expr::Cast(cast) => is_constant(&cast.expr),
        Expr::Field(field) => is_constant(&field.base),
        Expr::Paren(paren) => is_constant(&paren.expr),
        Expr::Group(group) => is_constant(&group.expr),
        Expr::Block(block) => is_constant_block(&block.block),
        Expr::If(condition) => {
            is_constant(&condition.cond)
                && is_constant_block(&condition.then_branch)
                && condition
                    .else_branch
                    .as_ref()
                    .is_some_and(|(_, other)| is_constant(other))
        }
        _ => false,
    }
}

fn is_constant_block(block: &Block) -> bool {
    matches!(block.stmts.as_slice(), [Stmt::Expr(expr, None)] if is_constant(expr))
}

/// Returns whether everything in it is written out: a number of no type yet.
pub(crate) fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => is_literal(&unary.expr),
        Expr::Binary(binary) => is_literal(&binary.left) && is_literal(&binary.right),
        Expr::Paren(paren) => is_literal(&paren.expr),
        Expr::Group(group) => is_literal(&group.expr),
        Expr::Block(block) => is_literal_block(&block.block),
        Expr::If(condition) => {
            is_literal_block(&condition.then_branch)
                && condition
                    .else_branch
                    .as_ref()
                    .is_some_and(|(_, other)| is_literal(other))
        }
        _ => false,
    }
}

fn is_literal_block(block: &Block) -> bool {
    matches!(block.stmts.as_slice(), [Stmt::Expr(expr, None)] if is_literal(expr))
}
