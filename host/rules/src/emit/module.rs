//! Putting a module together.

use std::{collections::BTreeSet, sync::Arc};

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemArg,
    MemoryType, Module, TypeSection, ValType,
};

use super::{
    Emitted, EmittedFlag,
    code::Code,
    expr::{Emitter, FlagNumber, Use},
    reach,
    tables::Tables,
};
use crate::ir::{Expr, Rule};

/// Emits the module of up to [`abi::FLAGS_MAX`] rules, each of which [fits](super::fits).
#[must_use]
pub fn module(rules: &[&Rule]) -> Emitted {
    let mut tables = Tables::new();
    let mut shared = SharedRules::new(first_shared(rules.len()));
    let bodies: Vec<Code> = (0..).zip(rules).map(|(at, rule)| flag(at, rule, &mut tables, &mut shared)).collect();
    let flags = bodies
        .iter()
        .map(|code| EmittedFlag { slots: code.slots.iter().copied().collect(), calls_host: code.calls_host });
    let flags = flags.collect();
    Emitted {
        wasm: assemble(bodies, shared),
        inputs: tables.inputs,
        literals: tables.literals,
        texts: tables.texts,
        functions: tables.functions,
        expressions: tables.expressions,
        flags,
    }
}

fn flag<'r>(at: i32, rule: &'r Rule, tables: &mut Tables, shared: &mut SharedRules<'r>) -> Code {
    let results = reach::results(rule);
    let flag = FlagNumber::Constant(at);
    let mut emitter = Emitter { code: Code::new(0), tables, shared, flag, results: &results };
    emitter.value(&rule.root, Use::Result);
    emitter.code
}

/// The functions of shared rules, each emitted once.
pub(super) struct SharedRules<'r> {
    first: u32,
    rules: Vec<&'r Arc<Expr>>,
    functions: Vec<SharedFunction>,
    codes: Vec<Option<Code>>,
}

/// What a caller must know of a shared rule's function.
#[derive(Clone)]
pub(super) struct SharedFunction {
    pub(super) index: u32,
    pub(super) slots: Arc<BTreeSet<u32>>,
    pub(super) calls_host: bool,
}

impl<'r> SharedRules<'r> {
    fn new(first: u32) -> Self {
        Self { first, rules: Vec::new(), functions: Vec::new(), codes: Vec::new() }
    }

    /// The function that leaves a shared rule's truth. Rules are known again by their content, for each flag
    /// has its own copy.
    pub(super) fn function(&mut self, rule: &'r Arc<Expr>, tables: &mut Tables) -> SharedFunction {
        let known = self.rules.iter().position(|known| Arc::ptr_eq(known, rule) || ***known == **rule);
        if let Some(function) = known.and_then(|at| self.functions.get(at)) {
            return function.clone();
        }
        let code = self.emit(rule, tables);
        self.add(rule, code)
    }

    fn emit(&mut self, rule: &'r Arc<Expr>, tables: &mut Tables) -> Code {
        let flag = FlagNumber::Parameter;
        let mut emitter = Emitter { code: Code::new(1), tables, shared: self, flag, results: &[] };
        emitter.holds(rule);
        emitter.code
    }

    fn add(&mut self, rule: &'r Arc<Expr>, code: Code) -> SharedFunction {
        let function = SharedFunction {
            index: self.first + index(self.functions.len()),
            slots: Arc::new(code.slots.clone()),
            calls_host: code.calls_host,
        };
        self.rules.push(rule);
        self.functions.push(function.clone());
        self.codes.push(Some(code));
        function
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

const FIRST_FLAG: u32 = index_of_host_functions();

const fn index_of_host_functions() -> u32 {
    HostFunction::ALL.len() as u32
}

/// Flags come first, then the two exports, then shared rules.
fn first_shared(flags: usize) -> u32 {
    FIRST_FLAG + index(flags) + 2
}

fn assemble(flags: Vec<Code>, shared: SharedRules<'_>) -> Vec<u8> {
    let count = index(flags.len());
    let mut types = Types::default();
    let imports = imports(&mut types);
    let (result, select, nothing) = (types.of(0, true), types.of(1, true), types.of(0, false));
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut add = |of: u32, function: &Function| {
        functions.function(of);
        code.function(function);
    };
    for flag in flags {
        add(result, &flag.finish());
    }
    add(select, &evaluate(count));
    add(nothing, &evaluate_all(count));
    for body in shared.codes.into_iter().flatten() {
        add(select, &body.finish());
    }
    let mut exports = ExportSection::new();
    exports.export(abi::EVALUATE, ExportKind::Func, FIRST_FLAG + count);
    exports.export(abi::EVALUATE_ALL, ExportKind::Func, FIRST_FLAG + count + 1);
    let mut module = Module::new();
    module.section(&types.section).section(&imports).section(&functions).section(&exports).section(&code);
    module.finish()
}

/// The function types in use, each once.
#[derive(Default)]
struct Types {
    section: TypeSection,
    known: Vec<(usize, bool)>,
}

impl Types {
    fn of(&mut self, parameters: usize, returns: bool) -> u32 {
        if let Some(at) = self.known.iter().position(|known| *known == (parameters, returns)) {
            return index(at);
        }
        let results = if returns { vec![ValType::I32] } else { Vec::new() };
        self.section.ty().function(vec![ValType::I32; parameters], results);
        self.known.push((parameters, returns));
        index(self.known.len() - 1)
    }
}

fn imports(types: &mut Types) -> ImportSection {
    let mut imports = ImportSection::new();
    let pages = u64::from(abi::MEMORY_PAGES);
    let memory =
        MemoryType { minimum: pages, maximum: Some(pages), memory64: false, shared: false, page_size_log2: None };
    imports.import(abi::MODULE, abi::MEMORY, memory);
    for function in HostFunction::ALL {
        let of = types.of(function.parameters(), function.returns());
        imports.import(abi::MODULE, function.name(), EntityType::Function(of));
    }
    imports
}

/// `evaluate(flag)`: a jump table over the flags' functions; null for a number that is none.
fn evaluate(flags: u32) -> Function {
    let mut code = Code::new(1);
    for _ in 0..=flags {
        code.op().block(BlockType::Empty);
    }
    code.op().local_get(0).br_table(0..flags, flags);
    for flag in 0..flags {
        code.op().end().call(FIRST_FLAG + flag).return_();
    }
    code.op().end().i32_const(abi::NULL);
    code.finish()
}

/// `evaluate_all()`: one call after the other, where the flag's state says so.
fn evaluate_all(flags: u32) -> Function {
    let mut code = Code::new(0);
    for flag in 0..flags {
        code.i32(0);
        code.op().i32_load8_u(at(abi::STATE_AT + flag, 0)).if_(BlockType::Empty);
        code.i32(0);
        code.op().call(FIRST_FLAG + flag).i32_store(at(abi::OUT_AT + 4 * flag, 2)).end();
    }
    code.finish()
}

fn at(offset: u32, align: u32) -> MemArg {
    MemArg { offset: u64::from(offset), align, memory_index: 0 }
}
