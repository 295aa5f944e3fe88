//===- StagedFiles.cpp - results that appear together or not at all -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/StagedFiles.h"
#include "llvm/ADT/Twine.h"

using namespace weir;
namespace fs = llvm::sys::fs;

static llvm::Error cannotWrite(llvm::StringRef path, std::error_code code) {
  return llvm::createStringError(code, "cannot write '" + path + "': " + code.message());
}

static bool isStream(llvm::StringRef path) {
  fs::file_status status;
  return path == "-" ||
         (!fs::status(path, status) && !fs::is_regular_file(status) && !fs::is_directory(status));
}

StagedFiles::~StagedFiles() {
  for (auto &[file, path] : files)
    llvm::consumeError(file.discard());
}

llvm::Error StagedFiles::add(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> write) {
  if (isStream(path)) {
    std::string contents;
    llvm::raw_string_ostream os(contents);
    write(os);
    streams.emplace_back(std::move(contents), path.str());
    return llvm::Error::success();
  }
  if (fs::is_directory(path))
    return cannotWrite(path, std::make_error_code(std::errc::is_a_directory));
  llvm::Expected<fs::TempFile> file =
      fs::TempFile::create(path + ".%%%%%%%%.tmp", fs::all_read | fs::all_write);
  if (!file)
    return cannotWrite(path, llvm::errorToErrorCode(file.takeError()));
  files.emplace_back(std::move(*file), path.str());
  llvm::raw_fd_ostream os(files.back().first.FD, /*shouldClose=*/false);
  write(os);
  os.flush();
  if (std::error_code code = os.error()) {
    os.clear_error();
    return cannotWrite(path, code);
  }
  return llvm::Error::success();
}

llvm::Error StagedFiles::commit() {
  for (auto &[contents, path] : streams) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code, fs::CD_OpenAlways, fs::FA_Write, fs::OF_None); // "-" is stdout
    if (!code) {
      os << contents;
      os.flush();
      code = os.error();
      os.clear_error();
    }
    if (code)
      return cannotWrite(path == "-" ? "stdout" : path, code);
  }
  streams.clear();
  while (!files.empty()) {
    auto [file, path] = std::move(files.back());
    files.pop_back();
    if (llvm::Error error = file.keep(path))
      return cannotWrite(path, llvm::errorToErrorCode(std::move(error)));
  }
  return llvm::Error::success();
}
