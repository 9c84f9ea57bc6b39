//! How large the functions of a module may be: what compiling it takes is bounded before it begins, for nothing can
//! break the compiler off.
//!
//! Measured: code without branches compiles fast. What takes time are branches, and the more the more variables there are
//! that may have a value of each way. So their product is what is bounded.

use wasmparser::{FunctionBody, Operator, Parser, Payload};

use super::{config::GuestConfig, wrap::ModuleError};

/// Local variables that a branch counts for by itself.
const BRANCH_VARIABLES: usize = 32;

/// Refuses a component that would take too long to compile.
pub(super) fn check(component: &[u8], config: &GuestConfig) -> Result<(), ModuleError> {
    let (mut functions, mut work) = (0, 0usize);
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::CodeSectionEntry(body) = payload.map_err(|error| not_wasm(&error))? {
            functions += 1;
            at_most("functions", functions, config.functions)?;
            at_most("bytes in one function", body.range().len(), config.function_bytes)?;
            let variables = variables(&body)?;
            at_most("variables in one function", variables, config.function_variables)?;
            work = work.saturating_add(branches(&body)?.saturating_mul(variables.saturating_add(BRANCH_VARIABLES)));
            at_most("branches times variables in all functions", work, config.compile_work)?;
        }
    }
    Ok(())
}

/// Its locals; parameters, of which there are few, aside.
fn variables(body: &FunctionBody<'_>) -> Result<usize, ModuleError> {
    let mut variables = 0usize;
    for group in body.get_locals_reader().map_err(|error| not_wasm(&error))? {
        let (count, _) = group.map_err(|error| not_wasm(&error))?;
        variables = variables.saturating_add(count as usize);
    }
    Ok(variables)
}

/// Where its ways part, meet, or lead elsewhere.
fn branches(body: &FunctionBody<'_>) -> Result<usize, ModuleError> {
    let mut branches = 0usize;
    for operator in body.get_operators_reader().map_err(|error| not_wasm(&error))? {
        branches = branches.saturating_add(match operator.map_err(|error| not_wasm(&error))? {
            Operator::BrTable { targets } => targets.len() as usize + 1,
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::Call { .. }
            | Operator::CallIndirect { .. } => 1,
            _ => 0,
        });
    }
    Ok(branches)
}

fn not_wasm(error: &wasmparser::BinaryReaderError) -> ModuleError {
    ModuleError::NotWasm(error.to_string())
}

fn at_most(what: &'static str, found: usize, max: usize) -> Result<(), ModuleError> {
    if found > max { Err(ModuleError::TooLarge { what, found, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(module: &str, change: impl FnOnce(&mut GuestConfig)) -> Result<(), ModuleError> {
        let mut config = GuestConfig::default();
        change(&mut config);
        check(&wat::parse_str(module).unwrap(), &config)
    }

    #[test]
    fn what_takes_long_to_compile_is_refused_by_name() {
        let module = "(component (core module (func (local i32 i64 i32) (block)) (func (block) (drop (i32.const 1)))))";
        assert_eq!(checked(module, |_| {}), Ok(()));
        let cases: [(fn(&mut GuestConfig), _, _, _); 4] = [
            (|config| config.functions = 1, "functions", 2, 1),
            (|config| config.function_bytes = 5, "bytes in one function", 11, 5),
            (|config| config.function_variables = 2, "variables in one function", 3, 2),
            (|config| config.compile_work = 66, "branches times variables in all functions", 67, 66),
        ];
        for (change, what, found, max) in cases {
            assert_eq!(checked(module, change), Err(ModuleError::TooLarge { what, found, max }));
        }
    }
}
