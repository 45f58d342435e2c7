package runtimeapi

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"
)

// unrunnable explains why a file could not be started, and what to do about it.
func unrunnable(file string, err error) error {
	remedy := "build the functions for this machine with make build ARCH=" + runtime.GOARCH
	if runtime.GOOS != "linux" {
		remedy = "make build's files run on Linux alone, and this is " + runtime.GOOS + "; run without them"
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there: %s", file, remedy)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s can't be executed, for it is no file with the permission for that: %s", file, remedy)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s can't be executed here, for it is %s: %s", file, kind(file), remedy)
	}
	return fmt.Errorf("%s could not be started: %w", file, err)
}

// kind says what a file is that the system can't execute.
func kind(file string) string {
	f, err := elf.Open(file)
	if err != nil {
		return "no program"
	}
	defer func() { _ = f.Close() }()
	arch := f.Machine.String()
	switch f.Machine {
	case elf.EM_AARCH64:
		arch = "arm64"
	case elf.EM_X86_64:
		arch = "amd64"
	}
	return fmt.Sprintf("built for %s, and this machine is %s/%s", arch, runtime.GOOS, runtime.GOARCH)
}
