@echo off
rem Installs the Muster agent, or upgrades it. Run it as an administrator; install.cmd /quiet waits for no key.
rem cmd alone, because Windows 7 may have no PowerShell that runs scripts. Chinese text is GB 2312: both of its bytes
rem lie above A0, so no code page takes one for an operator.
setlocal EnableExtensions DisableDelayedExpansion

rem A 32-bit parent would see another System32, another Program Files and another registry.
if not defined PROCESSOR_ARCHITEW6432 goto native
"%SystemRoot%\Sysnative\cmd.exe" /d /c call "%~f0" %*
exit /b %ERRORLEVEL%
:native

set "SYS=%SystemRoot%\System32"
set "FROM=%~dp0"
set "PROGRAM=%ProgramFiles%\Muster"
set "STATE=%ProgramData%\Muster"
set "MARK=HKLM\SOFTWARE\Muster"
set "ENTRY=HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Muster"
set "TASK=Muster Agent"

rem Only an administrator may read this key.
"%SYS%\reg.exe" query "HKU\S-1-5-19" >nul 2>&1
if %ERRORLEVEL% NEQ 0 goto denied
if not exist "%FROM%program\python\python.exe" goto incomplete
if not exist "%FROM%settings\agent.conf" goto incomplete
set /p VERSION=<"%FROM%program\version.txt"

rem -- the program: the old one steps aside, and comes back if the new one cannot be copied
"%SYS%\schtasks.exe" /End /TN "%TASK%" >nul 2>&1
if exist "%PROGRAM%.old" rmdir /s /q "%PROGRAM%.old"
if not exist "%PROGRAM%" goto copy
set TRIES=0
:aside
move /y "%PROGRAM%" "%PROGRAM%.old" >nul 2>&1
if not exist "%PROGRAM%" goto copy
set /a TRIES+=1
if %TRIES% GEQ 10 goto busy
"%SYS%\ping.exe" -n 3 127.0.0.1 >nul
goto aside
:copy
"%SYS%\xcopy.exe" "%FROM%program" "%PROGRAM%\" /e /i /q /y >nul
if %ERRORLEVEL% NEQ 0 goto restore
if exist "%PROGRAM%.old" rmdir /s /q "%PROGRAM%.old"

rem -- its own folder, for SYSTEM and administrators alone
if not exist "%STATE%" goto fresh
"%SYS%\reg.exe" query "%MARK%" /v Version >nul 2>&1
if %ERRORLEVEL% EQU 0 goto secure
rem Anybody may create folders in ProgramData: what no installation of ours made is not used.
move "%STATE%" "%STATE%.found-%RANDOM%" >nul
if exist "%STATE%" goto failed
:fresh
mkdir "%STATE%"
if not exist "%STATE%" goto failed
:secure
"%SYS%\icacls.exe" "%STATE%" /setowner *S-1-5-32-544 /q >nul
if %ERRORLEVEL% NEQ 0 goto failed
"%SYS%\icacls.exe" "%STATE%" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F /q >nul
if %ERRORLEVEL% NEQ 0 goto failed
"%SYS%\reg.exe" query "%MARK%" /v Version >nul 2>&1
if %ERRORLEVEL% EQU 0 goto settings
rem Fresh: what somebody put in before the door was closed goes.
del /f /q /a "%STATE%\*" >nul 2>&1
for /d %%D in ("%STATE%\*") do rmdir /s /q "%%D"
:settings
"%SYS%\reg.exe" add "%MARK%" /v Version /d "%VERSION%" /f >nul
if %ERRORLEVEL% NEQ 0 goto failed
if not exist "%STATE%\public" mkdir "%STATE%\public"
rem The notice of the last run, which muster-agent status shows to any user of the PC.
"%SYS%\icacls.exe" "%STATE%\public" /grant *S-1-5-32-545:(OI)(CI)RX /q >nul
if %ERRORLEVEL% NEQ 0 goto failed
"%SYS%\xcopy.exe" "%FROM%settings" "%STATE%\" /q /y >nul
if %ERRORLEVEL% NEQ 0 goto failed

rem -- what starts it
"%SYS%\schtasks.exe" /Create /F /TN "%TASK%" /XML "%FROM%task.xml" >nul
if %ERRORLEVEL% NEQ 0 goto failed
"%SYS%\reg.exe" add "%ENTRY%" /v DisplayName /d "Muster Agent" /f >nul
"%SYS%\reg.exe" add "%ENTRY%" /v DisplayVersion /d "%VERSION%" /f >nul
"%SYS%\reg.exe" add "%ENTRY%" /v Publisher /d "Muster" /f >nul
"%SYS%\reg.exe" add "%ENTRY%" /v InstallLocation /d "%PROGRAM%" /f >nul
"%SYS%\reg.exe" add "%ENTRY%" /v UninstallString /d "\"%PROGRAM%\uninstall.cmd\"" /f >nul
"%SYS%\reg.exe" add "%ENTRY%" /v NoModify /t REG_DWORD /d 1 /f >nul
"%SYS%\schtasks.exe" /Run /TN "%TASK%" >nul 2>&1

echo Muster %VERSION% 安装完成，首次上报正在后台进行。
echo Muster %VERSION% is installed; its first report is under way.
echo 查看本机状态 / How this PC stands: "%PROGRAM%\status.cmd"
set RESULT=0
goto end

:denied
echo 请右键点击 install.cmd，选择“以管理员身份运行”。
echo Right-click install.cmd and choose "Run as administrator".
set RESULT=5
goto end
:incomplete
echo 安装文件不完整。请先把压缩包全部解压，再运行 install.cmd。
echo Files are missing. Unpack the whole zip first, then run install.cmd.
set RESULT=2
goto end
:restore
rmdir /s /q "%PROGRAM%" 2>nul
if exist "%PROGRAM%.old" move "%PROGRAM%.old" "%PROGRAM%" >nul
goto failed
:busy
echo 采集程序正在运行，请一分钟后重试。
echo The agent is running. Try again in a minute.
set RESULT=5
goto end
:failed
echo 安装失败，上方信息说明了原因。磁盘空间或安全软件可能阻止了安装。
echo The installation failed; the lines above say why. The disk may be full, or security software in the way.
set RESULT=5

:end
if /i not "%~1"=="/quiet" pause
exit /b %RESULT%
