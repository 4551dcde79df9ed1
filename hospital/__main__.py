"""The command line: `python -m hospital COMMAND`. Each command is a module of hospital.commands, loaded when asked for."""

import importlib
import importlib.util

import click

from kernel.logs import configure_logs

# name: (module, one line)
COMMANDS = {
    "demo": "Chạy bệnh viện mẫu: cơ sở dữ liệu, dữ liệu mẫu, trang web.",
    "serve": "Chạy các tiến trình web.",
    "worker": "Chạy tiến trình làm việc nền.",
    "migrate": "Nâng lược đồ cơ sở dữ liệu lên bản mới nhất.",
    "check": "Khám hệ thống này và nói cách sửa.",
    "seed": "Nạp dữ liệu bịa cho bản chạy thử.",
    "drift": "So lược đồ với các bảng trong mã và với schema.sql (dùng khi phát triển).",
    "outside": "Chạy thế giới bên ngoài giả: ngân hàng, nhà mạng, thuế, TSA (chỉ để thử).",
    "journey": "Đi trọn đường của ba người bệnh qua HTTP và để lại bằng chứng.",
    "token-agent": "Ký bằng USB token trên máy của người ký (chạy ở máy trạm).",
    "signers": "In người ký chưa sẵn sàng theo lần tổng duyệt gần nhất.",
    "verify": "Kiểm tra chữ ký của một tệp PDF hoặc XML.",
    "evidence": "Lấy bằng chứng ký của người bệnh ra khỏi một tệp PDF.",
    "audit": "Kiểm tra nhật ký truy cập.",
    "backup": "Sao lưu cơ sở dữ liệu và tệp.",
    "restore": "Khôi phục từ bản sao lưu và chứng minh.",
    "kpi": "Chỉ số của một khoảng thời gian.",
    "claims": "Xuất XML bảo hiểm y tế.",
    "bench": "Đo tốc độ.",
}


def _module(name: str) -> str:
    return f"hospital.commands.{name.replace('-', '_')}"


class Commands(click.Group):
    """Loads a command's module only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if importlib.util.find_spec(_module(name))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = getattr(importlib.import_module(_module(cmd_name)), cmd_name.replace("-", "_"))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Lệnh"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Lành: bệnh án điện tử và viện phí không tiền mặt."""
    configure_logs(
        level="WARNING"
    )  # On stderr: what a command prints on stdout is for people and other programs.


if __name__ == "__main__":
    main(prog_name="hospital")
