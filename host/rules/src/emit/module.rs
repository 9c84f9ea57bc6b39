//! Putting a module together.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemArg,
    MemoryType, Module, TypeSection, ValType,
};

use super::{
    Emitted, EmittedFlag,
    code::{Code, Constant, Constants, Shape},
    expr::{Emitter, Use},
    reach,
    tables::Tables,
};
use crate::{facts::SharedExpr, ir::Rule};

/// The most constants that a function takes as parameters.
const CONSTANTS_MAX: usize = 32;

/// Emits the module of up to [`abi::FLAGS_MAX`] rules, each of which [fits](super::fits).
#[must_use]
pub fn module(rules: &[&Rule]) -> Emitted {
    let (mut tables, mut shared) = (Tables::new(), SharedRules::default());
    let bodies: Vec<Code> = rules.iter().map(|rule| flag(rule, &mut tables, &mut shared)).collect();
    let flags = bodies
        .iter()
        .map(|code| EmittedFlag { slots: code.slots.iter().copied().collect(), calls_host: code.calls_host });
    let flags = flags.collect();
    Emitted {
        wasm: assemble(&bodies, &shared),
        inputs: tables.inputs,
        literals: tables.literals,
        texts: tables.texts,
        functions: tables.functions,
        expressions: tables.expressions,
        flags,
    }
}

fn flag<'r>(rule: &'r Rule, tables: &mut Tables, shared: &mut SharedRules<'r>) -> Code {
    let results = reach::results(rule);
    let mut emitter = Emitter { code: Code::default(), tables, shared, results: &results };
    emitter.value(&rule.root, Use::Result);
    emitter.code
}

/// How a flag's rule is called: its function, counted from the first of a flag, and whether that takes constants.
#[derive(Clone, Copy)]
struct Called {
    function: u32,
    constants: Constants,
}

/// Rules that differ in constants alone have one function, which takes them as parameters: it is compiled once, and
/// once it lies in the processor's caches, it serves all of them. Answers the bodies that become functions, and how
/// each rule is called.
fn functions(bodies: &[Code]) -> (Vec<(&Code, Constants)>, Vec<Called>) {
    let mut alike: HashMap<Shape<'_>, usize> = HashMap::new();
    for body in bodies.iter().filter(|body| body.constants().len() <= CONSTANTS_MAX) {
        *alike.entry(body.shape()).or_default() += 1;
    }
    let (mut functions, mut known, mut called) = (Vec::new(), HashMap::new(), Vec::new());
    for body in bodies {
        let shape = body.shape();
        let several = body.constants().len() <= CONSTANTS_MAX && alike.get(&shape).is_some_and(|count| *count > 1);
        let constants = if several { Constants::Parameters } else { Constants::Inline };
        let next = index(functions.len());
        let function = if several { *known.entry(shape).or_insert(next) } else { next };
        if function == next {
            functions.push((body, constants));
        }
        called.push(Called { function, constants });
    }
    (functions, called)
}

/// The functions of shared rules, each emitted once.
#[derive(Default)]
pub(super) struct SharedRules<'r> {
    rules: Vec<&'r Arc<SharedExpr>>,
    functions: Vec<SharedFunction>,
    codes: Vec<Code>,
}

/// What a caller must know of a shared rule's function.
#[derive(Clone)]
pub(super) struct SharedFunction {
    pub(super) index: u32,
    pub(super) slots: Arc<BTreeSet<u32>>,
    pub(super) calls_host: bool,
}

impl<'r> SharedRules<'r> {
    /// The function that leaves a shared rule's truth. Rules are known again by their content, for each flag
    /// has its own copy.
    pub(super) fn function(&mut self, rule: &'r Arc<SharedExpr>, tables: &mut Tables) -> SharedFunction {
        let known = self.rules.iter().position(|known| Arc::ptr_eq(known, rule) || ***known == **rule);
        if let Some(function) = known.and_then(|at| self.functions.get(at)) {
            return function.clone();
        }
        let code = self.emit(rule, tables);
        self.add(rule, code)
    }

    fn emit(&mut self, rule: &'r Arc<SharedExpr>, tables: &mut Tables) -> Code {
        let mut emitter = Emitter { code: Code::default(), tables, shared: self, results: &[] };
        emitter.holds(rule);
        emitter.code
    }

    fn add(&mut self, rule: &'r Arc<SharedExpr>, code: Code) -> SharedFunction {
        let function = SharedFunction {
            index: FIRST_SHARED + index(self.functions.len()),
            slots: Arc::new(code.slots.clone()),
            calls_host: code.calls_host,
        };
        self.rules.push(rule);
        self.functions.push(function.clone());
        self.codes.push(code);
        function
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The two exports come first, then shared rules, then flags.
const EVALUATE: u32 = HostFunction::ALL.len() as u32;
const EVALUATE_ALL: u32 = EVALUATE + 1;
const FIRST_SHARED: u32 = EVALUATE + 2;

fn assemble(bodies: &[Code], shared: &SharedRules<'_>) -> Vec<u8> {
    let (of_flags, called) = functions(bodies);
    let calls: Vec<Call<'_>> =
        bodies.iter().zip(called).map(|(body, called)| Call::new(body, called, shared)).collect();
    let mut types = Types::default();
    let imports = imports(&mut types);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut add = |parameters: Vec<ValType>, returns, function: &Function| {
        functions.function(types.of(parameters, returns));
        code.function(function);
    };
    add(vec![ValType::I32], true, &evaluate(&calls));
    add(Vec::new(), false, &evaluate_all(&calls));
    let shared = shared.codes.iter().map(|body| (body, Constants::Inline));
    for (body, constants) in shared.chain(of_flags) {
        add(body.parameters(constants), true, &body.finish(constants));
    }
    let mut exports = ExportSection::new();
    exports.export(abi::EVALUATE, ExportKind::Func, EVALUATE);
    exports.export(abi::EVALUATE_ALL, ExportKind::Func, EVALUATE_ALL);
    let mut module = Module::new();
    module.section(&types.section).section(&imports).section(&functions).section(&exports).section(&code);
    module.finish()
}

/// The function types in use, each once.
#[derive(Default)]
struct Types {
    section: TypeSection,
    known: Vec<(Vec<ValType>, bool)>,
}

impl Types {
    fn of(&mut self, parameters: Vec<ValType>, returns: bool) -> u32 {
        let of = (parameters, returns);
        if let Some(at) = self.known.iter().position(|known| *known == of) {
            return index(at);
        }
        let results = if returns { vec![ValType::I32] } else { Vec::new() };
        self.section.ty().function(of.0.iter().copied(), results);
        self.known.push(of);
        index(self.known.len() - 1)
    }
}

/// A call of a flag's rule.
struct Call<'c> {
    function: u32,
    constants: &'c [Constant],
}

impl<'c> Call<'c> {
    fn new(body: &'c Code, called: Called, shared: &SharedRules<'_>) -> Self {
        let constants = if called.constants == Constants::Parameters { body.constants() } else { &[] };
        Self { function: FIRST_SHARED + index(shared.codes.len()) + called.function, constants }
    }

    /// Writes it; the flag's number is on the stack.
    fn write(&self, code: &mut Code) {
        self.constants.iter().for_each(|constant| constant.leave(code.op()));
        code.op().call(self.function);
    }
}

fn imports(types: &mut Types) -> ImportSection {
    let mut imports = ImportSection::new();
    let pages = u64::from(abi::MEMORY_PAGES);
    let memory =
        MemoryType { minimum: pages, maximum: Some(pages), memory64: false, shared: false, page_size_log2: None };
    imports.import(abi::MODULE, abi::MEMORY, memory);
    for function in HostFunction::ALL {
        let of = types.of(vec![ValType::I32; function.parameters()], function.returns());
        imports.import(abi::MODULE, function.name(), EntityType::Function(of));
    }
    imports
}

/// `evaluate(flag)`: a jump table over the flags' functions; null for a number that is none.
fn evaluate(calls: &[Call<'_>]) -> Function {
    let (mut code, flags) = (Code::default(), index(calls.len()));
    for _ in 0..=flags {
        code.op().block(BlockType::Empty);
    }
    code.flag_number();
    code.op().br_table(0..flags, flags);
    for call in calls {
        code.op().end();
        code.flag_number();
        call.write(&mut code);
        code.op().return_();
    }
    code.op().end().i32_const(abi::NULL);
    code.finish(Constants::Inline)
}

/// `evaluate_all()`: one call after the other, where the flag's state says so.
fn evaluate_all(calls: &[Call<'_>]) -> Function {
    let mut code = Code::default();
    for (flag, call) in (0..).zip(calls) {
        code.i32(0);
        code.op().i32_load8_u(at(abi::STATE_AT + flag, 0)).if_(BlockType::Empty);
        code.i32(0);
        code.op().i32_const(flag.cast_signed());
        call.write(&mut code);
        code.op().i32_store(at(abi::OUT_AT + 4 * flag, 2)).end();
    }
    code.finish(Constants::Inline)
}

fn at(offset: u32, align: u32) -> MemArg {
    MemArg { offset: u64::from(offset), align, memory_index: 0 }
}
