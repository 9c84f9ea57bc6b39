//! What an upload must be: a component of the world, or a core module that becomes one.

use wasmparser::{ComponentTypeRef, Parser, Payload, TypeBounds};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What a guest may import: functions from the first, and types from the second.
const IMPORTS: [&str; 2] = ["burgee:guest/store@0.1.0", "burgee:guest/types@0.1.0"];
/// The world of all guests.
const WORLD: &str = "guest";
/// The section in which a core module tells its world.
const WORLD_SECTION: &str = "component-type";

/// Why bytes are not a guest's module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// Not WebAssembly.
    #[error("this is no WebAssembly module: {0}")]
    NotWasm(String),
    /// It imports something that guests may not; its name.
    #[error("it imports `{0}`, and a guest may import `{store}` alone", store = IMPORTS[0])]
    Import(String),
    /// It is not of the world: something is missing, or of another type.
    #[error("it does not fit the world `burgee:guest/guest@0.1.0`: {0}")]
    World(String),
    /// It is WebAssembly, but not valid, or uses what is not allowed here.
    #[error("it cannot be compiled: {0}")]
    Invalid(String),
    /// Compiling it would take too long.
    #[error("it has {found} {what}, and a guest may have {max}")]
    TooLarge {
        /// What it has too much of.
        what: &'static str,
        /// How much.
        found: usize,
        /// How much it may have.
        max: usize,
    },
    /// Too many modules wait to be compiled, or this one takes too long.
    #[error("it was not compiled in time")]
    Busy,
}

/// Makes a component of an upload.
pub(super) fn component(bytes: &[u8]) -> Result<Vec<u8>, ModuleError> {
    if Parser::is_component(bytes) {
        check_imports(bytes)?;
        return Ok(bytes.to_vec());
    }
    if !Parser::is_core_wasm(bytes) {
        return Err(ModuleError::NotWasm("it begins with other bytes than modules and components do".into()));
    }
    let mut module = bytes.to_vec();
    if !check_module(bytes)? {
        tell_world(&mut module)?;
    }
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    let component = encoder.and_then(|mut encoder| encoder.encode());
    let component = component.map_err(|error| ModuleError::World(format!("{error:#}")))?;
    check_imports(&component)?;
    Ok(component)
}

/// Refuses a component that imports what guests may not.
pub(super) fn check_imports(component: &[u8]) -> Result<(), ModuleError> {
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| ModuleError::NotWasm(error.to_string()))? {
            // what lies within may import what it likes: it gets only what the component itself has
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import.map_err(|error| ModuleError::NotWasm(error.to_string()))?;
                    // another name of a type that is known already gives nothing
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        allow(import.name.name, "")?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a core module that imports what guests may not; true where it tells its world.
fn check_module(module: &[u8]) -> Result<bool, ModuleError> {
    let not_wasm = |error: wasmparser::BinaryReaderError| ModuleError::NotWasm(error.to_string());
    let mut tells = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(not_wasm)? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(not_wasm)?;
                    allow(import.module, import.name)?;
                }
            }
            Payload::CustomSection(section) => tells |= section.name().starts_with(WORLD_SECTION),
            _ => {}
        }
    }
    Ok(tells)
}

fn allow(from: &str, name: &str) -> Result<(), ModuleError> {
    match IMPORTS.contains(&from) {
        true => Ok(()),
        false if name.is_empty() => Err(ModuleError::Import(from.to_owned())),
        false => Err(ModuleError::Import(format!("{from}.{name}"))),
    }
}

/// Adds our world to a core module that tells none.
fn tell_world(module: &mut Vec<u8>) -> Result<(), ModuleError> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("guest.wit", burgee_guest::WIT);
    let world = package.and_then(|package| resolve.select_world(&[package], Some(WORLD)));
    let told = world.and_then(|world| embed_component_metadata(module, &resolve, world, StringEncoding::UTF8));
    told.map_err(|error| ModuleError::World(format!("{error:#}")))
}
