@echo off
rem Removes the Muster agent with everything it kept on this PC. Run it as an administrator.
rem uninstall.cmd /keep leaves this PC's identity, settings and waiting reports; /quiet waits for no key.
setlocal EnableExtensions DisableDelayedExpansion
if not defined PROCESSOR_ARCHITEW6432 goto native
"%SystemRoot%\Sysnative\cmd.exe" /d /c call "%~f0" %*
exit /b %ERRORLEVEL%
:native

set "SYS=%SystemRoot%\System32"
set "PROGRAM=%ProgramFiles%\Muster"
set "STATE=%ProgramData%\Muster"
set KEEP=
set QUIET=
:options
if "%~1"=="" goto begin
if /i "%~1"=="/keep" set KEEP=1
if /i "%~1"=="/quiet" set QUIET=1
shift
goto options

:denied
echo 请右键点击 uninstall.cmd，选择“以管理员身份运行”。
echo Right-click uninstall.cmd and choose "Run as administrator".
if not defined QUIET pause
exit /b 5

:begin
"%SYS%\reg.exe" query "HKU\S-1-5-19" >nul 2>&1
if %ERRORLEVEL% NEQ 0 goto denied
"%SYS%\schtasks.exe" /End /TN "Muster Agent" >nul 2>&1
"%SYS%\schtasks.exe" /Delete /F /TN "Muster Agent" >nul 2>&1
"%SYS%\ping.exe" -n 3 127.0.0.1 >nul
"%SYS%\reg.exe" delete "HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Muster" /f >nul 2>&1
if defined KEEP goto program
rmdir /s /q "%STATE%" 2>nul
"%SYS%\reg.exe" delete "HKLM\SOFTWARE\Muster" /f >nul 2>&1
:program
if exist "%PROGRAM%.old" rmdir /s /q "%PROGRAM%.old"
echo Muster 已卸载。
echo Muster has been removed.
if not defined QUIET pause
rem This file lies in the folder that goes. The first half of the line ends the reading of it; where it does not, the
rem next line is the last that is read.
(goto) 2>nul & rmdir /s /q "%PROGRAM%"
rmdir /s /q "%PROGRAM%" & exit /b 0
