package bpf

//go:generate go tool bpf2go -cc $BPF2GO_CC -strip $BPF2GO_STRIP -target amd64,arm64 -tags linux -type record_kind -type direction -type role -type loss_reason -type data_record -type segment_record -type open_record -type close_record -type exec_record -type tcp_path -type record_header -type exit_record -type lock_record -type table_record -type piece_record -type block_record -type field_record -type list_record -type connect_record -type packet_record -type release_record -type handshake_record -type go_error -type failure_record -type secret_record -type spot_record -type spot_piece -type tls_layout -type error_type -type message_record -type windows_record -type stream_state -type http2_layout -type window_want -type exe_name -type ledger -type site -type event_kind -type conn_key -type socket_use -type socket_record -type conn -type call_key -type call -type want probes h2trace.bpf.c -- -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -mcpu=v3 -I. -I/usr/include/x86_64-linux-gnu

// For kernels that lack what the others need, see kernel/compat.h.
//go:generate go tool bpf2go -cc $BPF2GO_CC -strip $BPF2GO_STRIP -target amd64,arm64 -tags linux -no-global-types compat h2trace.bpf.c -- -DCOMPAT -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -mcpu=v3 -I. -I/usr/include/x86_64-linux-gnu

// What watches packets, which not every kernel and user allows.
//go:generate go tool bpf2go -cc $BPF2GO_CC -strip $BPF2GO_STRIP -target amd64,arm64 -tags linux -no-global-types -type owner -type flow_want -type listener -type quic_key -type quic_flow packets packets.bpf.c -- -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -mcpu=v3 -I. -I/usr/include/x86_64-linux-gnu

// What copies whole packets, for a capture file.
//go:generate go tool bpf2go -cc $BPF2GO_CC -strip $BPF2GO_STRIP -target amd64,arm64 -tags linux -no-global-types -type capture_record -type capture_loss capture capture.bpf.c -- -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -mcpu=v3 -I. -I/usr/include/x86_64-linux-gnu
