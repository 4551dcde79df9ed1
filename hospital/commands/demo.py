"""`hospital demo`: a working small hospital in the browser, from one command."""

import signal
from pathlib import Path
from types import FrameType

import click
from msgspec.structs import replace

from hospital.commands.database import database
from hospital.commands.serve import port_is_free
from hospital.demo.known import DEMO_BORN, DEMO_PASSWORD, DEMO_PHONE, DEMO_PIN, KIOSK_CODE, staff_rows
from hospital.demo.running import Hospital, kept_outside_port, running_hospital
from hospital.processes import NotAnswering
from hospital.settings import read_settings
from kernel.staff.rules import ROLE_NAMES, Role


@click.command()
@click.option("--port", default=8000, show_default=True)
@click.option(
    "--outside-port",
    default=0,
    help="Cổng của thế giới bên ngoài giả; mặc định: cổng của lần đầu, hay cổng web + 1.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data/demo"),
    show_default=True,
    help="Thư mục dữ liệu.",
)
@click.option("--workers", default=1, show_default=True, help="Số tiến trình web.")
def demo(port: int, outside_port: int, data: Path, workers: int) -> None:
    """Chạy bệnh viện mẫu. Chạy lại thì dữ liệu còn nguyên; Ctrl-C để dừng."""
    outside_port = _outside_port(data, asked=outside_port, port=port)
    for taken in (port, outside_port):
        if not port_is_free("127.0.0.1", taken):
            raise click.ClickException(
                f"Cổng {taken} đang có chương trình khác dùng. Chọn cổng khác bằng --port."
            )
    # Ctrl-C too: a shell that starts us in the background has it ignored, and we would never stop.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    settings = read_settings()
    settings = replace(settings, kernel=replace(settings.kernel, data_dir=data))
    try:
        with (
            database(settings) as ready,
            running_hospital(
                data.resolve(),
                database_url=ready.database_url,
                owner_url=ready.owner_url,
                port=port,
                outside_port=outside_port,
                workers=workers,
            ) as hospital,
        ):
            click.echo(table(hospital))
            code = hospital.web.wait()
            raise click.ClickException(f"Tiến trình web dừng ({code}). Xem {data / 'logs' / 'web.log'}.")
    except NotAnswering as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("\nĐã dừng. Dữ liệu còn trong " + str(data))


def _outside_port(data: Path, *, asked: int, port: int) -> int:
    """Return the port of the fake outside world: the one its certificates already name, else the one asked for."""
    kept = kept_outside_port(data)
    if kept and asked and asked != kept:
        raise click.ClickException(
            f"Chứng thư chạy thử trong {data} ghi địa chỉ kiểm tra ở cổng {kept}. "
            "Hãy bỏ --outside-port, hoặc dùng thư mục dữ liệu khác bằng --data."
        )
    return kept or asked or port + 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def table(hospital: Hospital) -> str:
    """Addresses and logins, as lines for the terminal."""
    base, outside = hospital.base_url, hospital.outside_url
    places = [
        ("Nhân viên", f"{base}/"),
        ("Màn hình phụ quầy 1", f"{base}/screens/Q1"),
        ("Bảng gọi số", f"{base}/boards/A"),
        ("Cổng người bệnh", f"{base}/portal   số {DEMO_PHONE}, sinh {DEMO_BORN}, mã ở Tin nhắn giả"),
        ("Kiosk", f"{base}/kiosk   mã ghép {KIOSK_CODE}"),
        ("Kiểm tra chữ ký", f"{base}/verify"),
        ("Ngân hàng giả", f"{outside}/outside/bank"),
        ("Tin nhắn giả", f"{outside}/outside/sms"),
    ]
    lines = ["", "Bệnh viện mẫu đang chạy. Dữ liệu và con người đều là bịa.", ""]
    lines += [f"  {name:<22}{address}" for name, address in places]
    lines += ["", f"  Mật khẩu chung của bản chạy thử: {DEMO_PASSWORD}   PIN ký số: {DEMO_PIN}", ""]
    for row in staff_rows():
        roles = ", ".join(ROLE_NAMES[Role(role)] for role in row["roles"].split())
        lines.append(f"  {row['username']:<12}{row['title'] + ' ' + row['name']:<26}{roles}")
    return "\n".join([*lines, "", "Ctrl-C để dừng.", ""])
