@"%~dp0python\python.exe" -B -m muster_agent status
@pause
