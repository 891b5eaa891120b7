//===- Jit.cpp - Compiles kernels for this machine's CPU ------------------===//

#include "cpu/Jit.h"
#include "cpu/Optimize.h"
#include "cpu/Passes.h"
#include "cpu/RuntimeSymbols.h"
#include "tt/Triton.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace mlir;
using namespace mlir::cpu;

/// No runtime symbol has this name, whatever the user calls the kernel.
static constexpr const char *kEntryName = "pyflex_kernel_entry";

Kernel::Kernel(std::unique_ptr<llvm::orc::LLJIT> jit, Entry entry,
               std::string types)
    : jit(std::move(jit)), entry(entry), types(std::move(types)) {}

Kernel::~Kernel() = default;

void cpu::registerTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// The module's one public function, or null after a diagnostic.
static tt::FuncOp findKernel(ModuleOp module) {
  tt::FuncOp kernel;
  for (auto func : module.getOps<tt::FuncOp>()) {
    if (func.isPrivate())
      continue;
    if (kernel) {
      auto diag = func.emitError() << "expected one public tt.func, got a "
                                      "second";
      diag.attachNote(kernel.getLoc()) << "the first is here";
      return {};
    }
    kernel = func;
  }
  if (!kernel)
    module.emitError() << "expected one public tt.func, got none";
  return kernel;
}

static std::string describeArguments(tt::FuncOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      kernel.getArgumentTypes(), stream,
      [&](Type type) {
        if (isa<tt::PointerType>(type))
          stream << "ptr";
        else
          stream << type;
      },
      ",");
  return text;
}

namespace {
struct LinkedEntry {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  Kernel::Entry entry;
};
} // namespace

static llvm::Expected<LinkedEntry>
link(std::unique_ptr<llvm::LLVMContext> context,
     std::unique_ptr<llvm::Module> module) {
  auto host = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  auto target = host->createTargetMachine();
  if (!target)
    return target.takeError();
  module->setDataLayout((*target)->createDataLayout());
  module->setTargetTriple((*target)->getTargetTriple());
  optimize(*module, **target);

  // What the linker finds is part of the error, not printed on stderr. The
  // session may tell of it until it ends.
  std::string details;
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(*host)
                 .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                 .setLinkProcessSymbolsByDefault(false)
                 .create();
  if (!jit)
    return jit.takeError();
  auto &session = (*jit)->getExecutionSession();
  session.setErrorReporter([&](llvm::Error error) {
    details += "; " + llvm::toString(std::move(error));
  });
  llvm::orc::SymbolMap symbols;
  for (auto [name, address] : runtimeSymbols())
    symbols[(*jit)->mangleAndIntern(name)] = llvm::orc::ExecutorSymbolDef(
        llvm::orc::ExecutorAddr::fromPtr(address),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable);
  auto &library = (*jit)->getMainJITDylib();
  if (auto error = library.define(llvm::orc::absoluteSymbols(symbols)))
    return error;
  if (auto error = (*jit)->addIRModule(
          llvm::orc::ThreadSafeModule(std::move(module), std::move(context))))
    return error;
  auto entry = (*jit)->lookup(kEntryName);
  session.setErrorReporter(llvm::consumeError);
  if (!entry)
    return llvm::createStringError(llvm::toString(entry.takeError()) + details);
  return LinkedEntry{std::move(*jit), entry->toPtr<Kernel::Entry>()};
}

std::unique_ptr<Kernel> Kernel::compile(ModuleOp module) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });

  tt::FuncOp kernel = findKernel(module);
  if (!kernel)
    return nullptr;
  std::string types = describeArguments(kernel);
  kernel.setSymName(kEntryName);
  PassManager manager(module.getContext());
  buildCpuPipeline(manager);
  if (failed(manager.run(module)))
    return nullptr;

  auto context = std::make_unique<llvm::LLVMContext>();
  auto translated = translateModuleToLLVMIR(module, *context);
  if (!translated)
    return nullptr;
  auto linked = link(std::move(context), std::move(translated));
  if (!linked) {
    module.emitError() << "cannot compile the kernel for this CPU: "
                       << llvm::toString(linked.takeError());
    return nullptr;
  }
  return std::unique_ptr<Kernel>(
      new Kernel(std::move(linked->jit), linked->entry, std::move(types)));
}
