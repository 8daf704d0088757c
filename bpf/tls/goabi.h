/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Go's register calling convention, ABIInternal (Go 1.17 and newer):
 * https://go.dev/s/regabi. The register names are those of the trap frame, which
 * is the context of a uprobe program.
 */
#ifndef H2TRACE_GOABI_H
#define H2TRACE_GOABI_H

#include "kernel/kernel.h"

#if defined(__TARGET_ARCH_x86)

/* arch/x86/include/uapi/asm/ptrace.h, 64 bit */
struct pt_regs {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	__u64 ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#define GO_ARG0(r) ((r)->ax)
#define GO_ARG1(r) ((r)->bx)
#define GO_ARG2(r) ((r)->cx)
#define GO_ARG3(r) ((r)->di)
#define GO_ARG4(r) ((r)->si)
#define GO_ARG5(r) ((r)->r8)
#define GO_ARG6(r) ((r)->r9)
#define GO_ARG7(r) ((r)->r10)
#define GO_RESULT0(r) ((r)->ax)
#define GO_RESULT1(r) ((r)->bx)
#define GO_G(r) ((r)->r14)
#define GO_SP(r) ((r)->sp)
#define GO_INT_REGS 9		       /* registers for arguments */
#define GO_STACK_ARGS(r) ((r)->sp + 8) /* at the entry: after the return address */

/*
 * Reports whether JBE at this instruction jumps to morestack (carry or zero flag
 * set).
 */
#define GO_STACK_GROWS(r) ((r)->flags & (0x01 | 0x40))

#elif defined(__TARGET_ARCH_arm64)

/* arch/arm64/include/uapi/asm/ptrace.h, user_pt_regs */
struct pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
};

#define GO_ARG0(r) ((r)->regs[0])
#define GO_ARG1(r) ((r)->regs[1])
#define GO_ARG2(r) ((r)->regs[2])
#define GO_ARG3(r) ((r)->regs[3])
#define GO_ARG4(r) ((r)->regs[4])
#define GO_ARG5(r) ((r)->regs[5])
#define GO_ARG6(r) ((r)->regs[6])
#define GO_ARG7(r) ((r)->regs[7])
#define GO_RESULT0(r) ((r)->regs[0])
#define GO_RESULT1(r) ((r)->regs[1])
#define GO_G(r) ((r)->regs[28])
#define GO_SP(r) ((r)->sp)
#define GO_INT_REGS 16
#define GO_STACK_ARGS(r) ((r)->sp + 8) /* at the entry: after the word for R30 */

/*
 * Reports whether BLS at this instruction jumps to morestack: carry flag clear
 * or zero flag set.
 */
#define GO_STACK_GROWS(r) (((r)->pstate & (1ull << 29 | 1ull << 30)) != 1ull << 29)

#else
#error "unsupported architecture"
#endif

#endif
