//===- pyflex.cpp - pyflex's compiler as a C library ----------------------===//

#include "capi/pyflex.h"
#include "RegisterAll.h"
#include "cpu/Jit.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <cstring>
#include <pthread.h>

using namespace mlir;

namespace {

struct Diagnosed {
  int32_t severity;
  std::string message;
  std::string file;
  int32_t line = 0;
  int32_t column = 0;
};

struct Snapshot {
  std::string pass;
  std::string text;
};

} // namespace

struct PyflexResult {
  bool ok = false;
  std::string text;
  std::vector<Snapshot> snapshots;
  std::vector<Diagnosed> diagnostics;
};

struct PyflexKernel {
  std::unique_ptr<cpu::Kernel> kernel;
};

namespace {

int32_t severityOf(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return PYFLEX_NOTE;
  case DiagnosticSeverity::Remark:
    return PYFLEX_REMARK;
  case DiagnosticSeverity::Warning:
    return PYFLEX_WARNING;
  case DiagnosticSeverity::Error:
    return PYFLEX_ERROR;
  }
  llvm_unreachable("covered switch");
}

/// Appends `diagnostic` and then its notes.
void record(PyflexResult &result, Diagnostic &diagnostic) {
  Diagnosed entry{severityOf(diagnostic.getSeverity()), diagnostic.str(), {}};
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
    entry.file = place.getFilename().str();
    entry.line = place.getLine();
    entry.column = place.getColumn();
  }
  result.diagnostics.push_back(std::move(entry));
  for (Diagnostic &note : diagnostic.getNotes())
    record(result, note);
}

/// A context of its own for each call, so that calls share no state.
struct Session {
  MLIRContext context;
  ScopedDiagnosticHandler handler;

  explicit Session(PyflexResult &result)
      : context(dialects(), MLIRContext::Threading::DISABLED),
        handler(&context, [&result](Diagnostic &diagnostic) {
          record(result, diagnostic);
          return success();
        }) {
    // A diagnostic names its op; the text of a whole kernel would bury it.
    context.printOpOnDiagnostic(false);
  }

  OwningOpRef<ModuleOp> parse(const char *source) {
    ParserConfig config(&context);
    return parseSourceString<ModuleOp>(source, config, "<module>");
  }

private:
  static const DialectRegistry &dialects() {
    static const DialectRegistry registry = [] {
      DialectRegistry all;
      pyflex::registerAllDialects(all);
      cpu::registerTranslations(all);
      pyflex::registerAllPasses();
      return all;
    }();
    return registry;
  }
};

OpPrintingFlags printingFlags(int32_t flags) {
  OpPrintingFlags printing;
  if (flags & PYFLEX_GENERIC)
    printing.printGenericOpForm();
  if (flags & PYFLEX_DEBUG_INFO)
    printing.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
  return printing;
}

std::string print(Operation *module, int32_t flags) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, printingFlags(flags));
  stream << "\n";
  return text;
}

/// Keeps the whole module after each pass.
struct SnapshotInstrumentation : PassInstrumentation {
  SnapshotInstrumentation(PyflexResult &result, ModuleOp module, int32_t flags)
      : result(result), module(module), flags(flags) {}

  void runAfterPass(Pass *pass, Operation *) override {
    // A pass without argument only holds the passes of nested operations.
    if (pass->getArgument().empty())
      return;
    result.snapshots.push_back(
        {pass->getArgument().str(), print(module, flags)});
  }

  PyflexResult &result;
  ModuleOp module;
  int32_t flags;
};

LogicalResult runPipeline(PyflexResult &result, ModuleOp module,
                          StringRef pipeline, int32_t flags) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  // The anchor may be written or left out.
  if (pipeline.consume_front("builtin.module(") && !pipeline.consume_back(")"))
    return module.emitError("expected ')' at the end of the pipeline");
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return emitError(UnknownLoc::get(module.getContext()))
           << "cannot read the pipeline: " << StringRef(problem).trim();
  if (flags & PYFLEX_SNAPSHOTS)
    manager.addInstrumentation(
        std::make_unique<SnapshotInstrumentation>(result, module, flags));
  return manager.run(module);
}

/// Passes go into a mod as deep as its ops depend on each other, and a caller's
/// stack may be small. Records an error where no thread can be started, for
/// which llvm::thread would end the process.
void onLargeStack(PyflexResult &result, llvm::function_ref<void()> work) {
  auto run = [](void *data) -> void * {
    (*static_cast<llvm::function_ref<void()> *>(data))();
    return nullptr;
  };
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 20);
  int problem = pthread_create(&thread, &attributes, run, &work);
  pthread_attr_destroy(&attributes);
  if (problem)
    result.diagnostics.push_back(
        {PYFLEX_ERROR,
         std::string("cannot start a thread to compile in: ") +
             strerror(problem),
         {}});
  else
    pthread_join(thread, nullptr);
}

} // namespace

int32_t pyflex_abi_version(void) { return 10; }

int32_t pyflex_result_ok(const PyflexResult *result) { return result->ok; }

const char *pyflex_result_text(const PyflexResult *result) {
  return result->text.c_str();
}

size_t pyflex_result_num_snapshots(const PyflexResult *result) {
  return result->snapshots.size();
}

PyflexSnapshot pyflex_result_snapshot(const PyflexResult *result,
                                      size_t index) {
  const Snapshot &snapshot = result->snapshots.at(index);
  return {snapshot.pass.c_str(), snapshot.text.c_str()};
}

size_t pyflex_result_num_diagnostics(const PyflexResult *result) {
  return result->diagnostics.size();
}

PyflexDiagnostic pyflex_result_diagnostic(const PyflexResult *result,
                                          size_t index) {
  const Diagnosed &entry = result->diagnostics.at(index);
  return {entry.severity, entry.line, entry.column, entry.message.c_str(),
          entry.file.c_str()};
}

void pyflex_result_free(PyflexResult *result) { delete result; }

PyflexResult *pyflex_run(const char *source, const char *pipeline,
                         int32_t flags) {
  auto result = std::make_unique<PyflexResult>();
  onLargeStack(*result, [&] {
    Session session(*result);
    OwningOpRef<ModuleOp> module = session.parse(source);
    if (module && succeeded(runPipeline(*result, *module, pipeline, flags))) {
      result->text = print(*module, flags);
      result->ok = true;
    }
  });
  return result.release();
}

PyflexKernel *pyflex_jit(const char *ttir, PyflexResult **result) {
  auto owned = std::make_unique<PyflexResult>();
  std::unique_ptr<cpu::Kernel> kernel;
  onLargeStack(*owned, [&] {
    Session session(*owned);
    if (OwningOpRef<ModuleOp> module = session.parse(ttir))
      kernel = cpu::Kernel::compile(*module);
  });
  owned->ok = kernel != nullptr;
  *result = owned.release();
  return kernel ? new PyflexKernel{std::move(kernel)} : nullptr;
}

const char *pyflex_jit_argument_types(const PyflexKernel *kernel) {
  return kernel->kernel->argumentTypes().c_str();
}

void pyflex_jit_launch(const PyflexKernel *kernel, const uint64_t *arguments,
                       int32_t gx, int32_t gy, int32_t gz, uint32_t threads,
                       int32_t cluster, uint32_t cluster_bytes) {
  kernel->kernel->launch(arguments, {gx, gy, gz}, threads,
                         {cluster, cluster_bytes});
}

void pyflex_jit_free(PyflexKernel *kernel) { delete kernel; }
